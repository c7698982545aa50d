-- What the load asks of a service that keeps users: it reads and creates by turns, on kept connections and on new ones.

local number = 0

function request()
  number = number + 1
  local headers = { ["Content-Type"] = "application/json" }
  if number % 8 < 2 then
    headers["Connection"] = "close"
  end
  if number % 2 == 0 then
    return wrk.format("GET", "/v1/users?limit=10", headers)
  end
  return wrk.format("POST", "/v1/users", headers, string.format('{"name": "Load", "email": "load-%s-%d@example.com"}', load_name, number))
end
