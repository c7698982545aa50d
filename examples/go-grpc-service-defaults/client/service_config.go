package client

// serviceConfig says how calls are spread over the replicas, and which are tried again: those that only read, and a watch that has
// not begun. Another call may have been carried out when its answer was lost.
const serviceConfig = `{
  "loadBalancingConfig": [{"round_robin": {}}],
  "healthCheckConfig": {"serviceName": "user.v1.UserService"},
  "methodConfig": [{
    "name": [
      {"service": "user.v1.UserService", "method": "GetUser"},
      {"service": "user.v1.UserService", "method": "ListUsers"},
      {"service": "user.v1.UserService", "method": "WatchUsers"}
    ],
    "retryPolicy": {
      "maxAttempts": 4,
      "initialBackoff": "0.1s",
      "maxBackoff": "2s",
      "backoffMultiplier": 2,
      "retryableStatusCodes": ["UNAVAILABLE"]
    }
  }],
  "retryThrottling": {"maxTokens": 10, "tokenRatio": 0.1}
}`
