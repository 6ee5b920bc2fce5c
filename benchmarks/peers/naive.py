"""The handler somebody writes in twenty minutes, and writes well: FastAPI, stripe's library, the vendor's client.

`python -m benchmarks.peers.naive PORT TRACKER_URL thread|async`. `thread` is a `def` handler in the thread pool;
`async` the same in an `async def`, where the blocking client stops everything else. Nothing is stored, a repeat
is sent again, and the answer waits for the tracker: that is what it saves work on.
"""

import sys
from typing import Annotated

import stripe
import uvicorn
from cutmeshort.client import CMSClient
from fastapi import Depends, FastAPI, Header, HTTPException, Request

from benchmarks.events import PATH, SECRET

client: CMSClient
app = FastAPI()


async def raw_body(request: Request) -> bytes:
    """The bytes that were signed."""
    return await request.body()


def handle(payload: bytes, signature: str) -> dict[str, bool]:
    """Verify, map by hand, tell the tracker, answer."""
    try:
        event = stripe.Webhook.construct_event(payload, signature, SECRET)
    except (ValueError, stripe.SignatureVerificationError):
        raise HTTPException(status_code=400) from None
    thing = event.data.object
    if event.type == "checkout.session.completed":
        client.track_sale(
            event_name="purchase_completed",
            customer_external_id=thing.customer,
            invoice_id=thing.payment_intent,
            amount=thing.amount_total,
            currency=thing.currency.upper(),
            click_id=thing.metadata["click_id"],
            customer_email=thing.customer_details.email,
            customer_name=thing.customer_details.name,
        )
    elif event.type == "invoice.paid":
        client.track_sale(
            event_name="subscription_renewed",
            customer_external_id=thing.customer,
            invoice_id=thing.id,
            amount=thing.amount_paid,
            currency=thing.currency.upper(),
            click_id=thing.parent.subscription_details.metadata["click_id"],
            customer_email=thing.customer_email,
            customer_name=thing.customer_name,
        )
    return {"received": True}


def threaded(
    payload: Annotated[bytes, Depends(raw_body)], stripe_signature: Annotated[str, Header()] = ""
) -> dict[str, bool]:
    """FastAPI runs a `def` in its pool of 40 threads."""
    return handle(payload, stripe_signature)


async def on_the_loop(request: Request, stripe_signature: Annotated[str, Header()] = "") -> dict[str, bool]:
    """An `async def` that calls a blocking client: nothing else moves meanwhile."""
    return handle(await request.body(), stripe_signature)


if __name__ == "__main__":
    client = CMSClient(token="benchmark", host=sys.argv[2])
    app.add_api_route(PATH, threaded if sys.argv[3] == "thread" else on_the_loop, methods=["POST"])
    uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), log_level="warning", access_log=False)
