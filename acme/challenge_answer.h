// What the listener for challenges answers by HTTP: a token's key authorisation (RFC 8555 section
// 8.3), and a way to the page for people who came to the wrong port. Never repeats what was asked.
#pragma once

#include <string>

#include "acme/challenge.h"
#include "gateway/net/http.h"

namespace acme {

/// `page` is the address of the web page, empty where there is none.
gateway::net::HttpResponse answerChallenge(const Challenges& challenges,
                                           const gateway::net::HttpRequest& request,
                                           const std::string& page);

}  // namespace acme
