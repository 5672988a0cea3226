#include "tests/net/http_dialogue.h"

#include <array>
#include <fstream>
#include <thread>

#include <asio/connect.hpp>
#include <asio/read.hpp>
#include <asio/write.hpp>

#include "gateway/base/error.h"
#include "gateway/base/text.h"
#include "gateway/net/http_server.h"
#include "gateway/net/listener.h"

namespace http_dialogue {

namespace {

using asio::ip::tcp;
namespace net = gateway::net;

asio::awaitable<net::HttpResponse> echo(net::HttpRequest request) {
    std::string text = request.method + ' ' + request.path;
    text += request.query.empty() ? "" : " query " + request.query;
    text += request.body.empty() ? "" : " body " + request.body;
    co_return net::HttpResponse::text(200, text + '\n');
}

std::size_t mostBody(const net::HttpRequest& request) {
    return request.path == "/small" ? 8 : 4096;
}

/// The server on a thread of its own.
class Server {
public:
    Server()
        : m_tls(nullptr),
          m_server(options(), m_tls, echo),
          m_listener(
              m_io, "http", {},
              [this](net::LineStream& stream, bool tls) { return m_server.converse(stream, tls); }),
          m_port(m_listener.listen("127.0.0.1", 0, false)),
          m_thread([this] {
              m_listener.start();
              m_io.run();
          }) {}
    ~Server() {
        asio::post(m_io, [this] {
            m_listener.stop();
            m_listener.abort();
        });
        m_thread.join();
    }
    Server(const Server&) = delete;
    Server& operator=(const Server&) = delete;
    std::uint16_t port() const { return m_port; }

private:
    static net::HttpServer::Options options() {
        net::HttpServer::Options options;
        options.mostBody = mostBody;
        return options;
    }
    asio::io_context m_io{1};
    net::TlsHolder m_tls;
    net::HttpServer m_server;
    net::Listener m_listener;
    std::uint16_t m_port;
    std::thread m_thread;
};

class Client {
public:
    explicit Client(std::uint16_t port) : m_socket(m_io) {
        m_socket.connect(tcp::endpoint(asio::ip::address_v4::loopback(), port));
        m_socket.set_option(tcp::no_delay(true));
        const timeval patience{20, 0};
        ::setsockopt(m_socket.native_handle(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    }
    void send(std::string_view octets, std::size_t piece) {
        asio::error_code ignored;  // refused half-way, the server reads no more
        for (; !octets.empty() && !ignored; octets.remove_prefix(std::min(piece, octets.size()))) {
            const auto part = octets.substr(0, piece);
            asio::write(m_socket, asio::buffer(part.data(), part.size()), ignored);
        }
    }
    /// Up to and with the empty line.
    std::string head() {
        std::size_t end = m_input.find("\r\n\r\n");
        while (end == std::string::npos && more()) {
            end = m_input.find("\r\n\r\n");
        }
        return take(end == std::string::npos ? m_input.size() : end + 4);
    }
    std::string body(std::size_t size) {
        while (m_input.size() < size && more()) {
        }
        return take(size);
    }
    bool isClosed() { return m_input.empty() && !more(); }

private:
    bool more() {
        std::array<char, 4096> buffer{};
        const ssize_t got = ::recv(m_socket.native_handle(), buffer.data(), buffer.size(), 0);
        m_input.append(buffer.data(), got > 0 ? static_cast<std::size_t>(got) : 0);
        return got > 0;
    }
    std::string take(std::size_t size) {
        std::string taken = m_input.substr(0, size);
        m_input.erase(0, size);
        return taken;
    }
    asio::io_context m_io;
    tcp::socket m_socket;
    std::string m_input;
};

std::string fieldOf(const std::string& head, const std::string& name) {
    const std::size_t at = head.find("\r\n" + name + ": ");
    if (at == std::string::npos) {
        return {};
    }
    const std::size_t start = at + name.size() + 4;
    return head.substr(start, head.find("\r\n", start) - start);
}

std::string wrongWith(const Step& step, const std::string& head, const std::string& body) {
    const std::string status = head.substr(0, head.find("\r\n"));
    if (!status.starts_with("HTTP/1.1 " + step.status)) {
        return "wanted status " + step.status + ", got \"" + gateway::printable(status) + '"';
    }
    for (const std::string& field : step.fields) {
        if (head.find("\r\n" + field + "\r\n") == std::string::npos) {
            return "no field \"" + field + "\" in " + gateway::printable(head, 1000);
        }
    }
    if (step.bodyGiven && body != step.body + (step.body.empty() ? "" : "\n")) {
        return "wanted body \"" + step.body + "\", got \"" + gateway::printable(body) + '"';
    }
    return {};
}

void addLine(std::vector<Step>& steps, const std::string& where, const std::string& line) {
    const auto rest = [&](std::size_t mark) {
        return line.size() > mark ? line.substr(mark + 1) : std::string();
    };
    const auto sending = [&]() -> std::string& {
        if (steps.empty() || !steps.back().status.empty() || steps.back().closed) {
            steps.emplace_back().where = where;
        }
        return steps.back().send;
    };
    if (line.starts_with("C:")) {
        sending() += rest(2) + "\r\n";
    } else if (line.starts_with("C-raw:")) {  // with \r \n \t \0 as they are written
        std::string raw = rest(6);
        for (const auto& [sign, octet] : {std::pair("\\r", '\r'), std::pair("\\n", '\n'),
                                          std::pair("\\t", '\t'), std::pair("\\0", '\0')}) {
            for (std::size_t at = raw.find(sign); at != std::string::npos; at = raw.find(sign)) {
                raw.replace(at, 2, 1, octet);
            }
        }
        sending() += raw;
    } else if (line.starts_with("C-octets:")) {
        sending() += std::string(std::stoul(rest(9)), 'x');
    } else if (line.starts_with("S:")) {
        if (steps.empty() || !steps.back().status.empty()) {
            steps.emplace_back().where = where;
        }
        steps.back().status = rest(2);
    } else if (line.starts_with("F:") && !steps.empty()) {
        steps.back().fields.push_back(rest(2));
    } else if (line.starts_with("B:") && !steps.empty()) {
        steps.back().body = rest(2);
        steps.back().bodyGiven = true;
    } else if (line == "> closed") {
        steps.emplace_back().where = where;
        steps.back().closed = true;
    } else if (!line.empty() && !line.starts_with('#')) {
        throw gateway::Error(gateway::Error::Kind::Corrupt, where + ": what is this line?");
    }
}

}  // namespace

std::vector<Step> read(const std::filesystem::path& file) {
    std::vector<Step> steps;
    std::ifstream in(file);
    std::string line;
    for (int number = 1; std::getline(in, line); ++number) {
        addLine(steps, file.filename().native() + ':' + std::to_string(number), line);
    }
    return steps;
}

std::optional<std::string> play(const std::vector<Step>& steps, std::size_t piece) {
    const Server server;
    Client client(server.port());
    bool toHead = false;
    for (const Step& step : steps) {
        client.send(step.send, piece);
        toHead = step.send.starts_with("HEAD ") || (toHead && step.send.empty());
        if (step.closed && !client.isClosed()) {
            return step.where + ": the connection goes on";
        }
        if (step.status.empty()) {
            continue;
        }
        const std::string head = client.head();
        const std::string length = fieldOf(head, "Content-Length");
        const std::string body = client.body(length.empty() || toHead ? 0 : std::stoul(length));
        if (const std::string wrong = wrongWith(step, head, body); !wrong.empty()) {
            return step.where + ": " + wrong;
        }
    }
    return std::nullopt;
}

}  // namespace http_dialogue
