-- Authenticated GETs. Arguments: the Cookie header; the pause between two requests in milliseconds.
local pause

function init(args)
   wrk.headers["Accept"] = "application/json"
   wrk.headers["User-Agent"] = "bench"
   if args[1] ~= "" then wrk.headers["Cookie"] = args[1] end
   pause = tonumber(args[2])
   request_bytes = wrk.format("GET", nil)
   if pause and pause > 0 then
      function delay() return pause end
   end
end

function request()
   return request_bytes
end

function done(summary, latency, requests)
   local errors = summary.errors
   io.write(string.format(
      '\nSUMMARY {"requests": %d, "seconds": %.6f, "p50_us": %d, "p99_us": %d, "max_us": %d, "refused": %d, "broken": %d}\n',
      summary.requests, summary.duration / 1e6, latency:percentile(50), latency:percentile(99), latency.max,
      errors.status, errors.connect + errors.read + errors.write + errors.timeout
   ))
end
