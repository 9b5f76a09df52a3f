-- Registrations, each of a new user. Arguments: the prefix of the user names; the password.
local number = 0
local prefix, password
local headers = {
   ["Content-Type"] = "application/json", ["Accept"] = "application/json", ["User-Agent"] = "bench",
}

function init(args)
   prefix, password = args[1], args[2]
end

function request()
   number = number + 1
   local body = string.format(
      '{"email": "%s%d@example.com", "password": "%s", "password_confirm": "%s"}',
      prefix, number, password, password
   )
   return wrk.format("POST", nil, headers, body)
end

function done(summary, latency, requests)
   local errors = summary.errors
   io.write(string.format(
      '\nSUMMARY {"requests": %d, "seconds": %.6f, "p50_us": %d, "p99_us": %d, "max_us": %d, "refused": %d, "broken": %d}\n',
      summary.requests, summary.duration / 1e6, latency:percentile(50), latency:percentile(99), latency.max,
      errors.status, errors.connect + errors.read + errors.write + errors.timeout
   ))
end
