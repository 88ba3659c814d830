-- Asks for images by turns, and counts what was not a copy of the cache.
local at, paths, threads = 0, {}, {}

function setup(thread)
  table.insert(threads, thread)
end

function init(arguments)
  missed = 0
  for number = 1, tonumber(arguments[1]) do
    paths[number] = arguments[2] .. number .. ".png"
  end
end

function request()
  at = at % #paths + 1
  return wrk.format("GET", paths[at])
end

function response(status, headers)
  local cache = headers["cf-cache-status"] or headers["CF-Cache-Status"]
  if status ~= 200 or cache ~= "HIT" then
    missed = missed + 1
  end
end

function done(summary, latency)
  local missed = 0
  for _, thread in ipairs(threads) do
    missed = missed + thread:get("missed")
  end
  local errors = summary.errors
  io.write(string.format(
    'SUMMARY {"requests": %d, "seconds": %f, "p95_ms": %f, "missed": %d, "broken": %d}',
    summary.requests, summary.duration / 1e6, latency:percentile(95) / 1e3, missed,
    errors.connect + errors.read + errors.write + errors.timeout))
end
