"""HTTP: the edge of reunite.

app      the application: routes, beginning, end
edge     the one layer around all routes
routes   what answers at a path
wire     bodies in and out
problem  errors as problem+json
guard    who may ask
"""

from reunite.http.app import create_app, serve_app

__all__ = ["create_app", "serve_app"]
