#include "gateway/net/http_client.h"

#include <array>
#include <curl/curl.h>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <thread>

#include <asio/post.hpp>
#include <asio/redirect_error.hpp>
#include <asio/steady_timer.hpp>
#include <asio/this_coro.hpp>
#include <asio/use_awaitable.hpp>

#include "gateway/base/error.h"

namespace gateway::net {

namespace {

constexpr std::size_t kMostHeaders = std::size_t{64} * 1024;  ///< of an answer, in octets
constexpr long kConnectMilliseconds = 15'000;
constexpr int kPollMilliseconds = 60'000;  ///< a new call or the end wakes it before
constexpr long kConnectionsPerHost = 8;

using Trouble = HttpAnswer::Trouble;

template <auto Free>
struct CurlFree {
    template <typename T>
    void operator()(T* object) const {
        Free(object);
    }
};
using Easy = std::unique_ptr<CURL, CurlFree<curl_easy_cleanup>>;
using Multi = std::unique_ptr<CURLM, CurlFree<curl_multi_cleanup>>;
using Lines = std::unique_ptr<curl_slist, CurlFree<curl_slist_free_all>>;

template <typename Value>
void set(const Easy& easy, CURLoption option, Value value) {
    if (const CURLcode code = curl_easy_setopt(easy.get(), option, value); code != CURLE_OK) {
        throw Error(Error::Kind::Internal,
                    std::string("libcurl refused a setting: ") + curl_easy_strerror(code));
    }
}

Trouble troubleOf(CURLcode code) {
    switch (code) {
        case CURLE_OK:
            return Trouble::None;
        case CURLE_COULDNT_RESOLVE_HOST:
        case CURLE_COULDNT_RESOLVE_PROXY:
            return Trouble::Unresolved;
        case CURLE_COULDNT_CONNECT:
            return Trouble::Unreachable;
        case CURLE_OPERATION_TIMEDOUT:
            return Trouble::TimedOut;
        case CURLE_SSL_CONNECT_ERROR:
        case CURLE_PEER_FAILED_VERIFICATION:
        case CURLE_SSL_CERTPROBLEM:
        case CURLE_SSL_CACERT_BADFILE:
        case CURLE_SSL_ISSUER_ERROR:
        case CURLE_SSL_PINNEDPUBKEYNOTMATCH:
            return Trouble::Tls;
        default:
            return Trouble::Broken;
    }
}

/// One call while it is under way. Belongs to the thread of the client from its first step on.
class Transfer {
public:
    using Finished = std::function<void(HttpAnswer)>;

    Transfer(HttpCall call, Finished finished)
        : m_call(std::move(call)), m_finished(std::move(finished)) {}
    ~Transfer() = default;
    Transfer(const Transfer&) = delete;
    Transfer& operator=(const Transfer&) = delete;

    /// Throws Error(Internal).
    CURL* prepare() {
        m_easy.reset(curl_easy_init());
        if (!m_easy) {
            throw Error(Error::Kind::Internal, "libcurl has no memory for a call");
        }
        setTarget();
        setLimits();
        setAnswer();
        return m_easy.get();
    }

    void finish(CURLcode code) {
        long status = 0;
        curl_easy_getinfo(m_easy.get(), CURLINFO_RESPONSE_CODE, &status);
        m_answer.status = static_cast<int>(status);
        if (m_answer.trouble == Trouble::None) {  // else one of our limits ended it
            m_answer.trouble = troubleOf(code);
            if (code != CURLE_OK) {
                m_answer.cause = m_why[0] != '\0' ? m_why.data() : curl_easy_strerror(code);
            }
        }
        m_easy.reset();
        m_finished(std::move(m_answer));
    }

    void fail(Trouble trouble, std::string cause) {
        m_answer = {};
        m_answer.trouble = trouble;
        m_answer.cause = std::move(cause);
        m_easy.reset();
        m_finished(std::move(m_answer));
    }

private:
    void setTarget() {
        set(m_easy, CURLOPT_URL, m_call.url.c_str());
        set(m_easy, CURLOPT_PROTOCOLS_STR, "http,https");
        set(m_easy, CURLOPT_FOLLOWLOCATION, 0L);
        set(m_easy, CURLOPT_HTTP_VERSION, long{CURL_HTTP_VERSION_1_1});
        set(m_easy, CURLOPT_USERAGENT, "Postern");
        set(m_easy, CURLOPT_PATH_AS_IS, 1L);
        set(m_easy, CURLOPT_SSL_VERIFYPEER, 1L);
        set(m_easy, CURLOPT_SSL_VERIFYHOST, 2L);
        set(m_easy, CURLOPT_SSLVERSION, long{CURL_SSLVERSION_TLSv1_2});
        if (!m_call.pin.empty()) {
            setPin();
        } else if (!m_call.caFile.empty()) {
            set(m_easy, CURLOPT_CAINFO, m_call.caFile.c_str());
            set(m_easy, CURLOPT_CAPATH, static_cast<const char*>(nullptr));
        }
        if (m_call.direct) {
            set(m_easy, CURLOPT_PROXY, "");
        }
        for (const auto& [name, value] : m_call.headers) {
            addLine(name + ": " + value);
        }
        if (m_call.method == "HEAD") {
            set(m_easy, CURLOPT_NOBODY, 1L);
        } else if (m_call.method != "GET") {
            addLine("Expect:");  // no pause before the body
            set(m_easy, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(m_call.body.size()));
            set(m_easy, CURLOPT_POSTFIELDS, m_call.body.c_str());
            set(m_easy, CURLOPT_CUSTOMREQUEST, m_call.method.c_str());
        }
        set(m_easy, CURLOPT_HTTPHEADER, m_lines.get());
    }

    void setLimits() {
        set(m_easy, CURLOPT_NOSIGNAL, 1L);
        set(m_easy, CURLOPT_CONNECTTIMEOUT_MS, kConnectMilliseconds);
        set(m_easy, CURLOPT_TIMEOUT_MS, long{m_call.time.count()});
        if (m_call.quiet.count() > 0) {
            set(m_easy, CURLOPT_LOW_SPEED_LIMIT, 1L);  // octets a second
            set(m_easy, CURLOPT_LOW_SPEED_TIME, long{m_call.quiet.count()});
        }
    }

    /// The key is compared whether or not the rest is verified.
    void setPin() {
        set(m_easy, CURLOPT_PINNEDPUBLICKEY, ("sha256//" + m_call.pin).c_str());
        set(m_easy, CURLOPT_SSL_VERIFYPEER, 0L);
        set(m_easy, CURLOPT_SSL_VERIFYHOST, 0L);
    }

    void setAnswer() {
        set(m_easy, CURLOPT_PRIVATE, static_cast<void*>(this));
        set(m_easy, CURLOPT_ERRORBUFFER, m_why.data());
        set(m_easy, CURLOPT_WRITEFUNCTION, &Transfer::onBody);
        set(m_easy, CURLOPT_WRITEDATA, static_cast<void*>(this));
        set(m_easy, CURLOPT_HEADERFUNCTION, &Transfer::onHeader);
        set(m_easy, CURLOPT_HEADERDATA, static_cast<void*>(this));
    }

    void addLine(const std::string& line) {
        curl_slist* const longer = curl_slist_append(m_lines.get(), line.c_str());
        if (longer == nullptr) {
            throw Error(Error::Kind::Internal, "libcurl has no memory for a call");
        }
        if (!m_lines) {  // else it is the same list, with one line more
            m_lines.reset(longer);
        }
    }

    static std::size_t onBody(char* data, std::size_t one, std::size_t count, void* self) {
        return static_cast<Transfer*>(self)->takeBody({data, one * count});
    }
    static std::size_t onHeader(char* data, std::size_t one, std::size_t count, void* self) {
        return static_cast<Transfer*>(self)->takeHeader({data, one * count});
    }

    /// Less than what came ends the call.
    std::size_t takeBody(std::string_view octets) {
        if (octets.size() > m_call.mostBody - m_taken) {
            return tooLarge();
        }
        m_taken += octets.size();
        long status = 0;
        curl_easy_getinfo(m_easy.get(), CURLINFO_RESPONSE_CODE, &status);
        if (m_call.sink && status == 200) {
            return m_call.sink(octets) ? octets.size() : 0;
        }
        m_answer.body += octets;
        return octets.size();
    }

    std::size_t takeHeader(std::string_view line) {
        m_headerOctets += line.size();
        if (m_headerOctets > kMostHeaders) {
            return tooLarge();
        }
        if (line.starts_with("HTTP/")) {
            m_answer.headers.clear();  // what came before was an interim answer (RFC 9110 15.2)
        } else if (const std::size_t colon = line.find(':'); colon != std::string_view::npos) {
            m_answer.headers.emplace_back(line.substr(0, colon), trimmed(line.substr(colon + 1)));
        }
        return line.size();
    }

    std::size_t tooLarge() {
        m_answer.trouble = Trouble::TooLarge;
        m_answer.cause = "the answer is larger than any that is expected";
        return 0;
    }

    HttpCall m_call;
    Finished m_finished;
    HttpAnswer m_answer;
    std::size_t m_headerOctets = 0;
    std::size_t m_taken = 0;  ///< of the body
    std::array<char, CURL_ERROR_SIZE> m_why{};
    Lines m_lines;
    Easy m_easy;
};

/// libcurl's own tables, once for the program and before any thread of it.
void prepareLibrary() {
    static const CURLcode code = curl_global_init(CURL_GLOBAL_DEFAULT);
    if (code != CURLE_OK) {
        throw Error(Error::Kind::Internal,
                    std::string("libcurl cannot start: ") + curl_easy_strerror(code));
    }
}

}  // namespace

/// The thread, and the one queue into it.
class HttpClient::Engine {
public:
    Engine() {
        prepareLibrary();
        m_multi.reset(curl_multi_init());
        if (!m_multi) {
            throw Error(Error::Kind::Internal, "libcurl has no memory to start");
        }
        curl_multi_setopt(m_multi.get(), CURLMOPT_MAX_HOST_CONNECTIONS, kConnectionsPerHost);
        m_thread = std::thread([this] { run(); });
    }
    ~Engine() {
        stop();
        m_thread.join();
    }
    Engine(const Engine&) = delete;
    Engine& operator=(const Engine&) = delete;

    void add(std::unique_ptr<Transfer> transfer) {
        if (!tookOver(transfer)) {
            transfer->fail(Trouble::Stopped, "the server is stopping");
            return;
        }
        curl_multi_wakeup(m_multi.get());
    }

    void stop() {
        {
            const std::lock_guard lock(m_mutex);
            m_stopping = true;
        }
        curl_multi_wakeup(m_multi.get());
    }

private:
    /// False, and the transfer stays the caller's, once it is stopping.
    bool tookOver(std::unique_ptr<Transfer>& transfer) {
        const std::lock_guard lock(m_mutex);
        if (m_stopping) {
            return false;
        }
        m_new.push_back(std::move(transfer));
        return true;
    }

    void run() {
        while (takeNew()) {
            int running = 0;
            curl_multi_perform(m_multi.get(), &running);
            finishOver();
            curl_multi_poll(m_multi.get(), nullptr, 0, kPollMilliseconds, nullptr);
        }
        for (const auto& [easy, transfer] : m_running) {
            curl_multi_remove_handle(m_multi.get(), easy);
            transfer->fail(Trouble::Stopped, "the server is stopping");
        }
        m_running.clear();
    }

    /// False when it is to end; what was new is then among the running ones.
    bool takeNew() {
        std::vector<std::unique_ptr<Transfer>> added;
        bool stopping = false;
        {
            const std::lock_guard lock(m_mutex);
            added.swap(m_new);
            stopping = m_stopping;
        }
        for (auto& transfer : added) {
            try {
                CURL* const easy = transfer->prepare();
                curl_multi_add_handle(m_multi.get(), easy);
                m_running[easy] = std::move(transfer);
            } catch (const Error& error) {
                transfer->fail(Trouble::Broken, error.what());
            }
        }
        return !stopping;
    }

    void finishOver() {
        int left = 0;
        while (const CURLMsg* const message = curl_multi_info_read(m_multi.get(), &left)) {
            if (message->msg != CURLMSG_DONE) {
                continue;
            }
            CURL* const easy = message->easy_handle;
            const CURLcode code = message->data.result;
            curl_multi_remove_handle(m_multi.get(), easy);
            const auto found = m_running.find(easy);
            found->second->finish(code);
            m_running.erase(found);
        }
    }

    Multi m_multi;
    std::map<CURL*, std::unique_ptr<Transfer>> m_running;  ///< of the thread
    std::mutex m_mutex;                                    ///< guards the two below
    std::vector<std::unique_ptr<Transfer>> m_new;
    bool m_stopping = false;
    std::thread m_thread;
};

HttpClient::HttpClient() : m_engine(std::make_unique<Engine>()) {}

HttpClient::~HttpClient() = default;

void HttpClient::stop() { m_engine->stop(); }

asio::awaitable<HttpAnswer> HttpClient::send(HttpCall call) {
    struct Waiting {
        explicit Waiting(const asio::any_io_executor& owner) : over(owner) {}
        asio::steady_timer over;
        std::optional<HttpAnswer> answer;
    };
    const asio::any_io_executor owner = co_await asio::this_coro::executor;
    auto waiting = std::make_shared<Waiting>(owner);
    waiting->over.expires_at(std::chrono::steady_clock::time_point::max());
    auto finished = [handed = waiting, owner](HttpAnswer answer) mutable {
        // The caller's state is touched, and let go, on the caller's thread only.
        asio::post(owner, [waiting = std::move(handed), answer = std::move(answer)]() mutable {
            waiting->answer = std::move(answer);
            waiting->over.cancel();
        });
    };
    m_engine->add(std::make_unique<Transfer>(std::move(call), std::move(finished)));
    while (!waiting->answer) {
        asio::error_code ignored;
        co_await waiting->over.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
    }
    co_return std::move(*waiting->answer);
}

}  // namespace gateway::net
