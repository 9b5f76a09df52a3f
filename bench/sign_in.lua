-- Sign-ins of many users. Arguments: the number of users; their password.
local next_person = 0
local people

local threads = 0
function setup(thread)
   thread:set("first", threads)
   threads = threads + 1
end

function init(args)
   people = {}
   for number = 0, tonumber(args[1]) - 1 do
      local body = string.format('{"email": "person%d@example.com", "password": "%s"}', number, args[2])
      local headers = {
         ["Content-Type"] = "application/json", ["Accept"] = "application/json", ["User-Agent"] = "bench",
      }
      people[number] = wrk.format("POST", nil, headers, body)
   end
   next_person = first
end

function request()
   next_person = (next_person + 1) % #people
   return people[next_person]
end

function done(summary, latency, requests)
   local errors = summary.errors
   io.write(string.format(
      '\nSUMMARY {"requests": %d, "seconds": %.6f, "p50_us": %d, "p99_us": %d, "max_us": %d, "refused": %d, "broken": %d}\n',
      summary.requests, summary.duration / 1e6, latency:percentile(50), latency:percentile(99), latency.max,
      errors.status, errors.connect + errors.read + errors.write + errors.timeout
   ))
end
