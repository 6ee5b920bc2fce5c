"""The operator's pages under /admin: server-rendered, no scripts, signed in by the admin token.

They read through the store like everybody and change nothing but by POST with proof that the form was ours.
"""

from bridge.web.admin.site import Site

__all__ = ["Site"]
