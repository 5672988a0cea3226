// The JSON that a request brings. Never anything but one object, nor one nested so deep that
// whoever walks through it runs out of stack.
#pragma once

#include <nlohmann/json.hpp>

#include "gateway/net/http.h"

namespace webui {

/// An object; an empty one where there is no body. Throws Refused: 415 where it is not called
/// application/json (which a form of a foreign page cannot do unasked), 400 where it is no object.
/// Secrets are cut out of the request's body before they are parsed: they lie in the result only.
nlohmann::json readBody(gateway::net::HttpRequest& request);

}  // namespace webui
