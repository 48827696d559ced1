-- The bodies of webhooks, about 450 bytes, straight to the endpoint.
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
wrk.body = '{"specversion":"1.0","data":{"content":"' .. string.rep("x", 405) .. '"}}'

function done(summary, latency, requests)
    local failed = summary.errors.status + summary.errors.connect + summary.errors.read + summary.errors.write
    io.write(string.format("RESULT %d %d %d\n", summary.requests, summary.duration, failed))
end
