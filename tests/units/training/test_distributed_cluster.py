"""TF_CONFIG is read or refused by name; workers find each other, or say who is missing."""

import json
import socket
import threading

import pytest

from seq2seq_keras.errors import InputError
from seq2seq_keras.training import Cluster, meet, read_cluster

TWO = {"worker": ["a:1", "b:2"]}


def config(cluster, kind="worker", index=0) -> str:
    return json.dumps({"cluster": cluster, "task": {"type": kind, "index": index}})


def ports(count: int) -> list[str]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    addresses = [f"127.0.0.1:{one.getsockname()[1]}" for one in sockets]
    for one in sockets:
        one.close()
    return addresses


def meeting(addresses: list[str], same: list[str], seconds: float = 20.0) -> list:
    """What each process that calls `meet` is told: None or the error."""
    told = [None] * len(same)

    def come(number: int) -> None:
        try:
            meet(Cluster(addresses, number), seconds, same[number])
        except InputError as error:
            told[number] = str(error)

    threads = [threading.Thread(target=come, args=(number,)) for number in range(len(same))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
        assert not thread.is_alive()
    return told


def test_a_cluster_is_read_chief_first():
    assert read_cluster(config(TWO, index=1)) == Cluster(["a:1", "b:2"], 1)
    led = read_cluster(config({"worker": ["a:1", "b:2"], "chief": ["c:3"]}, index=1))
    assert led == Cluster(["c:3", "a:1", "b:2"], 2, chief=True)
    assert led.place("worker", 0) == 1 and led.place("chief", 0) == 0
    assert read_cluster(config({"worker": ["a:1", "b:2"], "chief": ["c:3"]}, "chief")).number == 0


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("{", "cannot be read"),
        ("[]", "cannot be read"),
        ("{}", "has no 'cluster'"),
        (json.dumps({"cluster": TWO}), "has no 'task'"),
        (config(TWO, index="one"), "cannot be read"),
        (config(TWO, index=2), "worker 2, which is not in its cluster"),
        (config(TWO, "evaluator"), "evaluator 0, which is not in its cluster"),
        (config(TWO | {"ps": ["c:3"]}), "has the job ps"),
        (config({"chief": ["a:1", "b:2"]}, "chief"), "has 2 chiefs"),
        (config({"worker": ["a"]}), "has the address 'a'"),
        (config({"worker": ["a:0"]}), "has the address 'a:0'"),
        (config({"worker": ["a:1", "a:1"]}), "names one address twice"),
    ],
)
def test_a_wrong_TF_CONFIG_is_refused_by_name(text, complaint):
    with pytest.raises(InputError, match=complaint) as found:
        read_cluster(text)
    assert str(found.value).startswith("TF_CONFIG") and "\n" not in str(found.value)


def test_all_come_and_their_ports_are_free_again():
    addresses = ports(3)
    assert meeting(addresses, ["x", "x", "x"]) == [None] * 3
    for address in addresses:
        socket.create_server(("127.0.0.1", int(address.split(":")[1]))).close()


def test_who_does_not_come_is_named():
    addresses = ports(3)
    told = meeting(addresses, ["x", "x"], seconds=0.4)
    for message in told:
        assert f"worker 2 at {addresses[2]} did not come within 0.4 s" in message


def test_a_port_that_is_taken_is_named():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(InputError, match=f"worker 0, {address}, cannot be used"):
            meet(Cluster([address, *ports(1)], 0), 5.0)


def test_other_settings_are_refused_on_both_sides():
    addresses = ports(2)
    told = meeting(addresses, ["x", "y"])
    assert f"worker 1 at {addresses[1]} was started with other settings" in told[0]
    assert f"worker 0 at {addresses[0]} was started with other settings" in told[1]


def test_a_caller_that_is_no_worker_is_not_taken_for_one():
    addresses = ports(2)
    host, port = addresses[0].split(":")

    def disturb():
        for words in (b"GET / HTTP/1.0\r\n\r\n", b"[]\n", b'{"worker": "x"}\n', b""):
            for _ in range(50):
                try:
                    with socket.create_connection((host, int(port)), timeout=1) as connection:
                        connection.sendall(words)
                    break
                except OSError:
                    threading.Event().wait(0.02)

    stranger = threading.Thread(target=disturb)
    stranger.start()
    with pytest.raises(InputError, match="worker 1"):
        meet(Cluster(addresses, 0), 3.0)
    stranger.join()
