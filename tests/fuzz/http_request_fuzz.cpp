// HTTP requests: any split gives the same, and what is taken can be understood in one way only.
// Input: seed of the split, most octets of the body (two octets), what the client sends.
#include "gateway/net/http_server_parser.h"
#include "tests/fuzz/fuzzing.h"

namespace {

using gateway::net::HttpRequest;
using gateway::net::HttpRequestParser;
using State = HttpRequestParser::State;

struct Outcome {
    std::string told;  ///< the request, or the refusal
    std::size_t taken = 0;
    bool operator==(const Outcome&) const = default;
};

void judge(const HttpRequest& request, std::size_t most) {
    const auto count = [&](std::string_view wanted) {
        return std::count_if(request.fields.begin(), request.fields.end(),
                             [&](const auto& field) { return field.first == wanted; });
    };
    fuzz::claim(request.path.starts_with('/') && !request.path.starts_with("//"), "a path");
    fuzz::claim(request.path.size() + request.query.size() < HttpRequestParser::kLongestTarget + 1,
                "a short target");
    fuzz::claim(count("host") == 1 || (count("host") == 0 && !request.keepAlive), "one host");
    fuzz::claim(count("content-length") + count("transfer-encoding") < 2, "one length");
    fuzz::claim(request.body.size() <= most, "a body within its limit");
    const bool mayHaveBody =
        request.method == "POST" || request.method == "PUT" || request.method == "PATCH";
    fuzz::claim(mayHaveBody || request.body.empty(), "no body where none belongs");
    for (const auto& [name, value] : request.fields) {
        fuzz::claim(!name.empty() && name.find_first_of(" :\r\n") == std::string::npos, "a name");
        fuzz::claim(value.find_first_of(std::string_view("\r\n\0", 3)) == std::string::npos,
                    "a value on one line");
    }
}

std::string describe(const HttpRequest& request) {
    std::string text = request.method + '\n' + request.path + '\n' + request.query + '\n' +
                       request.host + '\n' + request.body + '\n';
    for (const auto& [name, value] : request.fields) {
        text += name + ':' + value + '\n';
    }
    return text;
}

template <typename Pieces>
Outcome read(Pieces pieces, std::size_t most) {
    HttpRequestParser parser;
    Outcome outcome;
    const auto isOver = [&] {
        return parser.state() == State::Done || parser.state() == State::Refused;
    };
    while (!pieces.empty() && !isOver()) {
        std::string_view piece = pieces.next();
        while (!piece.empty() && !isOver()) {
            const std::size_t taken = parser.push(piece);
            fuzz::claim(taken > 0, "something is taken");
            piece.remove_prefix(taken);
            outcome.taken += taken;
            if (parser.state() == State::HeaderRead) {
                parser.readBody(most);
            }
        }
    }
    if (parser.state() == State::Done) {
        judge(parser.request(), most);
        outcome.told = describe(parser.request());
    } else if (parser.state() == State::Refused) {
        outcome.told = std::to_string(parser.refusal().status) + ' ' + parser.refusal().why;
        outcome.taken = 0;  // how much of a refused body was looked at is of no meaning
    }
    return outcome;
}

}  // namespace

void fuzz::run(std::string_view input) {
    Portions portions(input);
    const std::uint8_t seed = portions.octet();
    const std::size_t most = portions.number();
    const std::string_view wire = portions.rest();
    claim(read(Whole(wire), most) == read(Splitter(wire, seed), most), "any split gives the same");
}
