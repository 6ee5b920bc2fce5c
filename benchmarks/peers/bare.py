"""The least a Starlette application can do with a webhook: answer 200 and forget it. `python -m … PORT`."""

import sys

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from benchmarks.events import PATH


async def webhook(request: Request) -> Response:
    """Read the body, as every receiver must, and say 200."""
    await request.body()
    return Response(status_code=200)


app = Starlette(routes=[Route(PATH, webhook, methods=["POST"])])

if __name__ == "__main__":
    uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), log_level="warning", access_log=False)
