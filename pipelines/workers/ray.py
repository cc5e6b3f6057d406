"""Several worker processes on the machines of a Ray cluster (which needs `ray[train]`), by its `TensorflowTrainer`.

Ray places them, tells each its `TF_CONFIG`, and shows what they print. They read the same paths as this process, so
that files lie on a disk that all machines share; what Ray keeps is in `.ray` of the run folder. Ray's own training
loop, checkpoints and retries are not used: a run that failed is gone on with by the same command.
"""

import os
import re

from seq2seq_keras.errors import InputError

_FAILED = re.compile(r"\bFailed: (\d+)")
"""In what Ray shows of a worker's `Failed`: it wraps the error itself."""


def launch(name: str, settings, count: int) -> int:
    """Runs a command in so many processes; each has an accelerator, if the cluster has any.

    Returns:
        the exit code: that of a process that failed.

    Raises:
        InputError: Ray's training is not installed.
    """
    try:
        import ray
        from ray.train import FailureConfig, RunConfig, ScalingConfig, WorkerGroupError
        from ray.train.tensorflow import TensorflowTrainer
    except ImportError:
        raise InputError(
            "--processes ray: Ray's training is not installed", remedy="pip install 'ray[train]'"
        ) from None
    # Workers begin where the command was given, so that paths mean what they mean here.
    os.environ["RAY_CHDIR_TO_TRIAL_DIR"] = "0"
    begun = not ray.is_initialized()
    if begun:
        ray.init(include_dashboard=False, log_to_driver=True)
    try:
        trainer = TensorflowTrainer(
            _work,
            train_loop_config={"name": name, "settings": settings},
            scaling_config=ScalingConfig(num_workers=count, use_gpu=ray.cluster_resources().get("GPU", 0) >= count),
            run_config=RunConfig(
                storage_path=str(settings.output.absolute() / ".ray"), failure_config=FailureConfig(max_failures=0)
            ),
        )
        trainer.fit()
    except WorkerGroupError as error:
        found = _FAILED.search(str(error))
        return int(found.group(1)) if found else 1
    finally:
        if begun:
            ray.shutdown()
    return 0


class Failed(Exception):
    """Of a worker; its text is the exit code."""


def _work(told: dict) -> None:
    from pipelines.__main__ import call

    if code := call(told["name"], told["settings"]):
        raise Failed(code)
