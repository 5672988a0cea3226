#include "acme/challenge_answer.h"

namespace acme {

using gateway::net::HttpRequest;
using gateway::net::HttpResponse;

HttpResponse answerChallenge(const Challenges& challenges, const HttpRequest& request,
                             const std::string& page) {
    if (request.method != "GET" && request.method != "HEAD") {
        HttpResponse response = HttpResponse::text(405, "Nothing can be changed here.\n");
        response.fields.emplace_back("Allow", "GET, HEAD");  // RFC 9110 15.5.6
        return response;
    }
    if (request.path.starts_with(kChallengePath)) {
        const std::string token = request.path.substr(kChallengePath.size());
        const std::string* found = isToken(token) ? challenges.find(token) : nullptr;
        if (found == nullptr && isToken(token)) {
            found = challenges.findBorrowed(request.host, token);
        }
        if (found == nullptr) {
            return HttpResponse::text(404, "No such token.\n");
        }
        HttpResponse response;
        response.fields.emplace_back("Content-Type", "text/plain");
        response.body = *found;
        return response;
    }
    if (page.empty()) {
        return HttpResponse::text(404, "Nothing is here.\n");
    }
    HttpResponse response = HttpResponse::text(307, "The page is at " + page + "\n");
    response.fields.emplace_back("Location", page);
    return response;
}

}  // namespace acme
