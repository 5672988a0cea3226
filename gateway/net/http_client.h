// The HTTP client, for certificate authorities and whoever else we call: libcurl on one thread of
// its own. Always verifies certificates, never follows a redirect, never speaks another protocol
// than HTTP, and never blocks the I/O thread: not by a resolver, not by a slow server.
#pragma once

#include <memory>

#include <asio/awaitable.hpp>

#include "gateway/base/http_call.h"

namespace gateway::net {

class HttpClient {
public:
    /// Starts the thread. Throws Error(Internal) where libcurl refuses.
    HttpClient();
    /// Ends the thread. What was under way is answered with Trouble::Stopped; an executor that such
    /// an answer goes to must still be there. May wait some seconds for a look-up of a name.
    ~HttpClient();
    HttpClient(const HttpClient&) = delete;
    HttpClient& operator=(const HttpClient&) = delete;

    /// Resumes the caller on its own executor. Never throws for what a server or the network does.
    asio::awaitable<HttpAnswer> send(HttpCall call);

    /// Answers everything that is under way, and whatever comes after, with Trouble::Stopped. From
    /// any thread.
    void stop();

private:
    class Engine;
    std::unique_ptr<Engine> m_engine;
};

}  // namespace gateway::net
