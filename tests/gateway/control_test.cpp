// The control socket, both sides, over a real one in a temporary folder.
#include "gateway/control.h"

#include <fcntl.h>
#include <fstream>
#include <future>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

#include <asio/executor_work_guard.hpp>
#include <asio/io_context.hpp>
#include <asio/post.hpp>
#include <doctest/doctest.h>

#include "gateway/base/error.h"
#include "gateway/control_server.h"
#include "gateway/exit_code.h"
#include "tests/base/temporary_folder.h"

namespace {

using gateway::ControlServer;
using gateway::DataLock;
using gateway::Layout;
using nlohmann::json;

asio::awaitable<json> echo(json request, gateway::Descriptor file) {
    if (request.value("throw", false)) {
        throw gateway::Error(gateway::Error::Kind::Internal, "as the test asked");
    }
    if (file) {
        std::string text(100, '\0');
        const ssize_t got = ::pread(file.get(), text.data(), text.size(), 0);
        request["file"] = text.substr(0, got < 0 ? 0 : static_cast<std::size_t>(got));
    }
    request["echo"] = true;
    co_return request;
}

/// A server on a thread of its own.
class Server {
public:
    explicit Server(const Layout& layout)
        : m_lock(DataLock::tryTake(layout).value()),
          m_server(std::make_unique<ControlServer>(m_io.get_executor(), layout, m_lock, echo)),
          m_thread([this] { m_io.run(); }) {}
    ~Server() {
        auto stop = [this] { m_server.reset(); };
        asio::post(m_io, stop);
        m_guard.reset();
        m_thread.join();
    }
    Server(const Server&) = delete;
    Server& operator=(const Server&) = delete;

private:
    DataLock m_lock;
    asio::io_context m_io{1};
    asio::executor_work_guard<asio::io_context::executor_type> m_guard{m_io.get_executor()};
    std::unique_ptr<ControlServer> m_server;
    std::thread m_thread;
};

/// What the server says to raw octets.
std::string exchange(const Layout& layout, const std::string& octets, bool finish) {
    const gateway::Descriptor socket(::socket(AF_UNIX, SOCK_STREAM, 0));
    sockaddr_un name{};
    name.sun_family = AF_UNIX;
    const std::string path = layout.controlSocket();
    std::copy(path.begin(), path.end(), std::begin(name.sun_path));
    REQUIRE(::connect(socket.get(), reinterpret_cast<const sockaddr*>(&name), sizeof name) == 0);
    std::size_t sent = 0;
    while (sent < octets.size()) {
        const ssize_t some =
            ::send(socket.get(), octets.data() + sent, octets.size() - sent, MSG_NOSIGNAL);
        if (some < 0) {
            break;  // refused before its end
        }
        sent += static_cast<std::size_t>(some);
    }
    if (finish) {
        ::shutdown(socket.get(), SHUT_WR);
    }
    std::string answer;
    std::array<char, 4096> buffer{};
    for (ssize_t got = 1; got > 0;) {
        got = ::recv(socket.get(), buffer.data(), buffer.size(), 0);
        answer.append(buffer.data(), got > 0 ? static_cast<std::size_t>(got) : 0);
    }
    return answer;
}

}  // namespace

TEST_CASE("where no server listens there is no answer") {
    const shim::TemporaryFolder folder;
    const Layout layout(folder.path());
    CHECK_FALSE(gateway::askServer(layout, json::object()).has_value());
    std::ofstream(layout.controlSocket()) << "a plain file";
    CHECK_FALSE(gateway::askServer(layout, json::object()).has_value());
}

TEST_CASE("a request and its answer make a round trip") {
    const shim::TemporaryFolder folder;
    const Layout layout(folder.path());
    const Server server(layout);
    for (const std::size_t size : {0UL, 1UL, 100'000UL, (8UL << 20U) - 200}) {
        const json request{{"text", std::string(size, 'x')}, {"umlaut", "ü"}};
        const auto answer = gateway::askServer(layout, request);
        REQUIRE(answer.has_value());
        CHECK(answer->at("echo") == true);
        CHECK(answer->at("text").get_ref<const std::string&>().size() == size);
        CHECK(answer->at("umlaut") == "ü");
    }
}

TEST_CASE("an open file goes with its request, and stays open nowhere else") {
    const shim::TemporaryFolder folder;
    const Layout layout(folder.path());
    const Server server(layout);
    const auto openNow = [] {
        const std::filesystem::directory_iterator all("/proc/self/fd");
        return std::distance(begin(all), end(all));
    };
    std::ofstream(folder / "letter") << "Subject: hello";
    const auto before = openNow();
    for (const std::size_t size : {0UL, 1'000'000UL}) {
        const gateway::Descriptor file(::open((folder / "letter").c_str(), O_RDONLY | O_CLOEXEC));
        const auto answer = gateway::askServer(layout, {{"text", std::string(size, 'x')}}, file);
        REQUIRE(answer.has_value());
        CHECK(answer->at("file") == "Subject: hello");
        CHECK(answer->at("text").get_ref<const std::string&>().size() == size);
    }
    CHECK_FALSE(gateway::askServer(layout, json::object())->contains("file"));
    // The server closes its end a moment after the answer.
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (openNow() != before && std::chrono::steady_clock::now() < deadline) {
        std::this_thread::yield();
    }
    CHECK(openNow() == before);
}

TEST_CASE("what is no request is refused, and the server lives on") {
    const shim::TemporaryFolder folder;
    const Layout layout(folder.path());
    const Server server(layout);
    const auto exitOf = [&](const std::string& octets, bool finish) {
        const json answer = json::parse(exchange(layout, octets, finish), nullptr, false);
        REQUIRE(answer.is_object());
        CHECK(answer.at("ok") == false);
        return answer.at("exit").get<int>();
    };
    CHECK(exitOf("hello\n", false) == EX_DATAERR);
    CHECK(exitOf("[1]\n", false) == EX_DATAERR);
    CHECK(exitOf("{\"operation\":", true) == EX_DATAERR);
    CHECK(exitOf("", true) == EX_DATAERR);
    CHECK(exitOf("{}\n{}\n", false) == EX_DATAERR);
    CHECK(exitOf(std::string((8U << 20U) + 1, 'x'), true) == EX_DATAERR);
    CHECK(exitOf("{\"throw\":true}\n", false) == EX_SOFTWARE);
    CHECK(gateway::askServer(layout, json::object()).has_value());
}

TEST_CASE("a command that stalls keeps nobody from asking") {
    const shim::TemporaryFolder folder;
    const Layout layout(folder.path());
    const Server server(layout);
    const gateway::Descriptor silent(::socket(AF_UNIX, SOCK_STREAM, 0));
    sockaddr_un name{};
    name.sun_family = AF_UNIX;
    const std::string path = layout.controlSocket();
    std::copy(path.begin(), path.end(), std::begin(name.sun_path));
    REQUIRE(::connect(silent.get(), reinterpret_cast<const sockaddr*>(&name), sizeof name) == 0);
    CHECK(gateway::askServer(layout, json::object()).has_value());
}

TEST_CASE("the socket file is the owner's, replaces a stale one, and goes with the server") {
    const shim::TemporaryFolder folder;
    const Layout layout(folder.path());
    const mode_t before = ::umask(0);
    {
        const gateway::Descriptor dead(::socket(AF_UNIX, SOCK_STREAM, 0));
        REQUIRE(dead.get() >= 0);
        sockaddr_un name{};
        name.sun_family = AF_UNIX;
        const std::string path = layout.controlSocket();
        std::copy(path.begin(), path.end(), std::begin(name.sun_path));
        REQUIRE(::bind(dead.get(), reinterpret_cast<const sockaddr*>(&name), sizeof name) == 0);
    }
    CHECK_FALSE(gateway::askServer(layout, json::object()).has_value());
    {
        const Server server(layout);
        struct stat found{};
        REQUIRE(::stat(layout.controlSocket().c_str(), &found) == 0);
        CHECK(S_ISSOCK(found.st_mode));
        CHECK((found.st_mode & 0777U) == 0600U);
        CHECK(gateway::askServer(layout, json::object()).has_value());
    }
    CHECK_FALSE(std::filesystem::exists(layout.controlSocket()));
    ::umask(before);
}

TEST_CASE("a data directory with a long path works too") {
    const shim::TemporaryFolder folder;
    const Layout layout(folder.path() / std::string(120, 'd'));
    std::filesystem::create_directory(layout.data());
    const Server server(layout);
    CHECK(std::filesystem::exists(layout.controlSocket()));
    CHECK(gateway::askServer(layout, json::object()).has_value());
}

TEST_CASE("another user is refused, even where the file would let him in") {
    if (::geteuid() != 0) {
        MESSAGE("SKIP another user is refused: needs root to become another user");
        return;
    }
    const shim::TemporaryFolder folder;
    const Layout layout(folder.path());
    const Server server(layout);
    std::filesystem::permissions(folder.path(), std::filesystem::perms::all);
    std::filesystem::permissions(layout.controlSocket(), std::filesystem::perms::all);
    constexpr uid_t kNobody = 65534;
    const pid_t child = ::fork();
    if (child == 0) {
        int verdict = 1;
        if (::setresuid(kNobody, kNobody, kNobody) == 0) {
            const auto answer = gateway::askServer(layout, json::object());
            verdict = answer && answer->value("exit", 0) == EX_NOPERM ? 0 : 2;
        }
        ::_exit(verdict);
    }
    int status = -1;
    REQUIRE(::waitpid(child, &status, 0) == child);
    CHECK(status == 0);
    CHECK(gateway::askServer(layout, json::object()).has_value());
}

TEST_CASE("the data lock is held by one, and goes with its holder") {
    const shim::TemporaryFolder folder;
    const Layout layout(folder.path());
    {
        const auto first = DataLock::tryTake(layout);
        REQUIRE(first.has_value());
        CHECK_FALSE(DataLock::tryTake(layout).has_value());
    }
    CHECK(DataLock::tryTake(layout).has_value());
    CHECK_THROWS_WITH_AS(DataLock::tryTake(Layout(folder.path() / "none")),
                         doctest::Contains("does not exist; start `postern serve` once"),
                         gateway::Error);
}
