-- What wrk sends: a message of each sender by turns, each with an id of its own.
--
-- Arguments: the folder of the run, a seed, and the messages a second (0: as fast as
-- the server answers). The folder has `senders`, a line each: token, tab, conversation.
-- Each thread writes the answers' message ids to `accepted.<number>`.

local ffi = require("ffi")
ffi.cdef [[
  typedef struct { long s; long ns; } moment;
  int clock_gettime(int clock, moment *now);
]]
local MONOTONIC = 1
local TEXT = "I slept badly and the week has only begun; what would you do about it "
  .. "if you were in my place?"

local threads = 0

function setup(thread)
  thread:set("number", threads)
  threads = threads + 1
end

local function now_ms()
  local now = ffi.new("moment")
  ffi.C.clock_gettime(MONOTONIC, now)
  return tonumber(now.s) * 1000 + tonumber(now.ns) / 1e6
end

function init(args)
  local folder, seed, rate = args[1], tonumber(args[2]), tonumber(args[3])
  math.randomseed(seed + number)
  senders, position = {}, 0
  for line in io.lines(folder .. "/senders") do
    local token, chat = line:match("^(%S+)\t(%S+)$")
    senders[#senders + 1] = {
      chat = chat,
      headers = {
        ["authorization"] = "Bearer " .. token,
        ["content-type"] = "application/json",
      },
    }
  end
  accepted = io.open(folder .. "/accepted." .. number, "w")
  if rate > 0 then
    local slot = now_ms()
    -- One schedule for all connections: each answer frees a connection for the next
    -- slot that nobody has taken. With enough connections no slot waits for an answer.
    function delay()
      slot = slot + 1000 / rate
      return math.max(0, slot - now_ms())
    end
  end
end

local function uuid()
  local r = math.random
  return string.format("%04x%04x-%04x-4%03x-%x%03x-%04x%04x%04x",
    r(0, 65535), r(0, 65535), r(0, 65535), r(0, 4095), r(8, 11), r(0, 4095),
    r(0, 65535), r(0, 65535), r(0, 65535))
end

function request()
  position = position % #senders + 1
  local sender = senders[position]
  local body = '{"chat_id":"' .. sender.chat .. '","client_msg_id":"' .. uuid()
    .. '","text":"' .. TEXT .. '"}'
  return wrk.format("POST", nil, sender.headers, body)
end

function response(status, headers, body)
  if status == 200 or status == 201 then
    accepted:write(body:match('"message_id":"([^"]+)"') or "none", "\n")
  end
end

function done(summary, latency, requests)
  local e = summary.errors
  io.write(string.format(
    '\nSUMMARY {"requests":%d,"seconds":%f,"p50_ms":%f,"p95_ms":%f,"p99_ms":%f,'
    .. '"refused":%d,"broken":%d}\n',
    summary.requests, summary.duration / 1e6, latency:percentile(50) / 1e3,
    latency:percentile(95) / 1e3, latency:percentile(99) / 1e3, e.status,
    e.connect + e.read + e.write + e.timeout))
end
