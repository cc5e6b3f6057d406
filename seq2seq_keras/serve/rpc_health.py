"""gRPC's own health service, as ready as the server is."""

from concurrent import futures

from grpc_health.v1 import health, health_pb2

SERVICES = ("tensorflow.serving.PredictionService", "tensorflow.serving.ModelService", "")
"""Names that are told of; the empty one is the server's, ready when all others are and no longer than they."""
CHECK = f"/{health.SERVICE_NAME}/Check"
"""The method that anyone may call."""


class Health(health.HealthServicer):
    """Answers checks and watches.

    Attributes:
        pool: thread of its own: an answer must not wait for requests that compute.
    """

    def __init__(self):
        super().__init__()
        self.pool = futures.ThreadPoolExecutor(1, thread_name_prefix="rpc health")
        self._told: bool | None = None

        def check(request, context):
            return health.HealthServicer.Check(self, request, context)

        check.experimental_thread_pool = self.pool
        self.Check = check

    def tell(self, is_ready: bool) -> None:
        """Tells those who ask and, if it is news, those who watch."""
        if is_ready == self._told:
            return
        self._told = is_ready
        kinds = health_pb2.HealthCheckResponse
        for service in SERVICES if is_ready else reversed(SERVICES):
            self.set(service, kinds.SERVING if is_ready else kinds.NOT_SERVING)
