-- wrk -s replay.lua URL -- FILE PATH: posts the lines of a file, in order, and prints what it saw
-- as one line of JSON. That bodies are made beforehand keeps wrk cheap and lets every server of a
-- round get the same requests.

local head = "POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s"
local next_body, body, path

function init(arguments)
  next_body = io.lines(arguments[1])
  path = arguments[2]
end

function request()
  -- A run out of bodies ends early.
  local following = next_body and next_body()
  if following then
    body = following
  else
    next_body = nil
    wrk.thread:stop()
  end
  return string.format(head, path, #body, body)
end

function done(summary, latency)
  local errors = summary.errors
  print(string.format(
    'RESULT {"requests": %d, "seconds": %.6f, "refused": %d, "lost": %d, "p50_ms": %.3f, "p99_ms": %.3f}',
    summary.requests, summary.duration / 1e6, errors.status,
    errors.connect + errors.read + errors.write + errors.timeout,
    latency:percentile(50) / 1e3, latency:percentile(99) / 1e3))
end
