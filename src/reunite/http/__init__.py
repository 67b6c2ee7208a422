"""HTTP: the edge of reunite.

app        the application: routes, beginning, end
edge       the one layer around all routes
guard      who may ask
endpoint   a path, and what answers there
routes     /identify, and how the server is
inquiring  looking without writing
deciding   what is decided by hand
docs       the API's description, and a page to try it
openapi    that description
request    one request, and what an answer is
query      the part of a URL behind the question mark
named      what a request names, in its path and in its body
wire       bodies in and out
decided    what an operation by hand answers, and the lists of what stands
kept       a constraint as it is told
problem    errors as problem+json
reading    a thread that looks into the store
monitor    how the store is, asked beside the lane
protocol   uvicorn's, kept to what HTTP says where that leaves off
transport  that gathers what is written in a turn of the event loop
"""

from reunite.http.app import create_app, serve_app

__all__ = ["create_app", "serve_app"]
