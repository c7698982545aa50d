-- Has wrk send what a file of requests says, at a pace, and print every answer and every failure by its kind, as JSON.
-- The file, the first argument, defines request(); the second is the pause between a connection's requests, in
-- milliseconds; the third names this load, for requests that must differ from those of others (load_name).

local thread_of_load
local answers = {}
local pause

function setup(thread)
  thread_of_load = thread
end

function init(args)
  pause = tonumber(args[2])
  load_name = args[3]
  dofile(args[1])
end

function delay()
  return pause
end

function response(status, headers)
  local told = {}
  for name, value in pairs(headers) do
    told[name:lower()] = value
  end
  local answer = status .. " " .. (told["content-type"] or "-")
  if told["retry-after"] then
    answer = answer .. ", retry after " .. told["retry-after"]
  end
  answers[answer] = (answers[answer] or 0) + 1
  counted = ""
  for name, count in pairs(answers) do
    counted = counted .. string.format('%s"%s": %d', counted == "" and "" or ", ", name, count)
  end
end

function done(summary, latency)
  local errors = summary.errors
  print(string.format(
    '{"answers": {%s}, "failures": {"connect": %d, "read": %d, "write": %d, "timeout": %d}, "slowest": %f}',
    thread_of_load:get("counted") or "", errors.connect, errors.read, errors.write, errors.timeout, latency.max / 1e6))
end
