-- Each request is another SMS: the server answers a repeated one with the first and sends no event.
local threads = 0

function setup(thread)
    thread:set("thread_number", threads)
    threads = threads + 1
end

function init(args)
    counter = 0
    path = "/v1/messages/receive"
    headers = { ["Content-Type"] = "application/json", ["x-api-key"] = os.getenv("BENCH_API_KEY") }
    format = '{"to":"' .. os.getenv("BENCH_OWNER") .. '","from":"+18005550100","content":"%d-%d Your table for two is ' ..
        'booked for tonight at half past seven, see you then!","sim":"SIM1","timestamp":"2026-01-02T03:04:05Z"}'
end

function request()
    counter = counter + 1
    return wrk.format("POST", path, headers, string.format(format, thread_number, counter))
end

function done(summary, latency, requests)
    local failed = summary.errors.status + summary.errors.connect + summary.errors.read + summary.errors.write
    io.write(string.format("RESULT %d %d %d\n", summary.requests, summary.duration, failed))
end
