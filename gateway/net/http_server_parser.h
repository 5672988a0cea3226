// HTTP/1.1 requests out of octets (RFC 9112): Boost.Beast's parser under a layer of our own, which
// refuses whatever two readers might understand in two ways. Never reads a socket; any split of the
// input gives the same.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "gateway/net/http.h"

namespace gateway::net {

/// One request. After Refused nothing of the connection can be trusted: answer and close.
class HttpRequestParser {
public:
    static constexpr std::size_t kLongestHeader = 16UL * 1024;
    static constexpr std::size_t kLongestTarget = 2048;
    static constexpr std::size_t kMostFields = 100;

    enum class State {
        Header,      ///< push() more
        HeaderRead,  ///< all but the body is in request(): readBody() goes on
        Body,        ///< push() more
        Done,        ///< take() it
        Refused      ///< refusal() says why
    };

    HttpRequestParser();
    ~HttpRequestParser();
    HttpRequestParser(const HttpRequestParser&) = delete;
    HttpRequestParser& operator=(const HttpRequestParser&) = delete;

    /// Takes octets from the front and returns how many. What it leaves belongs to a later call or
    /// to the next request.
    std::size_t push(std::string_view octets);
    State state() const { return m_state; }

    /// After HeaderRead: the body may have `most` octets. Done where there is none.
    void readBody(std::size_t most);
    /// Whether the client waits for "100 Continue" before it sends its body (RFC 9110 10.1.1).
    bool awaitsContinue() const { return m_awaitsContinue; }

    /// After HeaderRead.
    const HttpRequest& request() const { return m_request; }
    HttpRequest take() { return std::move(m_request); }

    /// What to answer, and why in words; may quote nothing of the request.
    struct Refusal {
        unsigned status = 400;
        std::string why;
    };
    const Refusal& refusal() const { return m_refusal; }

private:
    struct Beast;

    void refuse(unsigned status, const char* why);
    bool takeHeaderOctet(char octet);
    void readHeader();
    bool readRequestLine(std::string_view line);
    bool readTarget(std::string_view target);
    bool readFields();
    bool readHost();
    bool readLength();
    bool judgeBody();
    bool hasBody() const { return m_chunked || m_length > 0; }
    std::size_t pushBody(std::string_view octets);
    std::size_t pushChunks(std::string_view octets);
    void readPending();

    std::unique_ptr<Beast> m_beast;
    State m_state = State::Header;
    std::string m_header;         ///< as it came, to its empty line
    std::size_t m_lineStart = 0;  ///< in m_header
    bool m_chunked = false;
    bool m_lengthGiven = false;
    bool m_emptyLineBefore = false;
    bool m_awaitsContinue = false;
    unsigned long long m_length = 0;
    std::size_t m_mostBody = 0;
    std::string m_pending;  ///< of the body: a chunk's line that is not whole yet
    HttpRequest m_request;
    Refusal m_refusal;
};

}  // namespace gateway::net
