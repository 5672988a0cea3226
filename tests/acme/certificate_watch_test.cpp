// Files of a certificate that change while the server runs: what is taken, what is refused, and
// that it is told once.
#include "acme/certificate_watch.h"

#include <filesystem>

#include <doctest/doctest.h>

#include "gateway/base/durable_file.h"
#include "gateway/base/error.h"
#include "tests/base/temporary_folder.h"

namespace {

using gateway::net::makeSelfSigned;
using std::chrono::hours;
using std::chrono::minutes;

const std::string kHost = "msgw1.example.com";

gateway::WallTime now() { return std::chrono::system_clock::now(); }

/// The admin's two files, and the one pair that is in use.
struct Watched {
    explicit Watched(const gateway::net::CertificateAndKey& pair) {
        put(pair);
        source.names = {kHost};
        source.certificate = folder / "cert.pem";
        source.key = folder / "key.pem";
        inUse = watch.load(source)->facts();
    }
    void put(const gateway::net::CertificateAndKey& pair) const {
        gateway::writeDurably(folder / "cert.pem", pair.certificate);
        gateway::writeDurably(folder / "key.pem", pair.key);
    }
    acme::CertificateWatch::Look look(gateway::WallTime at = now()) {
        auto seen = watch.look(inUse, at);
        if (seen.fresh) {
            inUse = seen.fresh->facts();
        }
        return seen;
    }

    shim::TemporaryFolder folder;
    acme::CertificateStore store{folder / "tls", "1.2"};
    acme::CertificateWatch watch{store};
    acme::CertificateSource source;
    gateway::net::CertificateFacts inUse;
};

bool isQuiet(const acme::CertificateWatch::Look& look) {
    return look.fresh == nullptr && look.refused.empty() && !look.news;
}

}  // namespace

TEST_CASE("files that are as they were are no news") {
    Watched watched(makeSelfSigned({kHost}, 30));
    CHECK(isQuiet(watched.look()));
    CHECK(isQuiet(watched.look()));
}

TEST_CASE("a new pair is taken at once, without a reload") {
    Watched watched(makeSelfSigned({kHost}, 30));
    const auto renewed = makeSelfSigned({kHost}, 60);
    watched.put(renewed);
    const auto seen = watched.look();
    REQUIRE(seen.fresh != nullptr);
    CHECK(seen.fresh->facts().sha256 == gateway::net::certificateFacts(renewed.certificate).sha256);
    CHECK(isQuiet(watched.look()));
}

TEST_CASE("a pair that is just being copied is no fault, but one that stays wrong is told once") {
    Watched watched(makeSelfSigned({kHost}, 30));
    const auto renewed = makeSelfSigned({kHost}, 60);
    gateway::writeDurably(watched.folder / "cert.pem", renewed.certificate);
    CHECK(isQuiet(watched.look()));  // the key may come in a moment
    const auto told = watched.look();
    CHECK(told.news);
    CHECK(told.refused.find("not the one of the certificate") != std::string::npos);
    const auto again = watched.look();
    CHECK_FALSE(again.news);
    CHECK(again.refused == told.refused);
    gateway::writeDurably(watched.folder / "key.pem", renewed.key);
    CHECK(watched.look().fresh != nullptr);
    CHECK(isQuiet(watched.look()));
}

TEST_CASE("what clients would not take is refused with the reason") {
    const auto refusalOf = [](const gateway::net::CertificateAndKey& pair) {
        Watched watched(makeSelfSigned({kHost}, 30));
        watched.put(pair);
        CHECK(watched.look().fresh == nullptr);
        return watched.look().refused;
    };
    const auto good = makeSelfSigned({kHost}, 60);
    CHECK(refusalOf(makeSelfSigned({"other.example.com"}, 60))
              .find("it does not name msgw1.example.com, but other.example.com") !=
          std::string::npos);
    CHECK(refusalOf(makeSelfSigned({kHost}, 0)).find("it ended at ") != std::string::npos);
    CHECK(refusalOf({good.certificate.substr(0, good.certificate.size() / 2), good.key})
              .find("no PEM certificate") != std::string::npos);
    CHECK(refusalOf({good.certificate, ""}).find("no PEM private key") != std::string::npos);
}

TEST_CASE("a wildcard names the host as well") {
    Watched watched(makeSelfSigned({kHost}, 30));
    watched.put(makeSelfSigned({"*.example.com"}, 60));
    CHECK(watched.look().fresh != nullptr);
}

TEST_CASE("files that vanish are told, and the certificate in use stays") {
    Watched watched(makeSelfSigned({kHost}, 30));
    std::filesystem::remove(watched.folder / "key.pem");
    CHECK(isQuiet(watched.look()));
    CHECK(watched.look().refused.find("key.pem") != std::string::npos);
}

TEST_CASE("one that ended gives way to one that ended as well: it is no worse") {
    Watched watched(makeSelfSigned({kHost}, 0));
    watched.put(makeSelfSigned({"other.example.com"}, 30));
    CHECK(watched.look().fresh != nullptr);
}

TEST_CASE("what was refused is judged again when the one in use has ended meanwhile") {
    Watched watched(makeSelfSigned({kHost}, 1));
    watched.put(makeSelfSigned({"other.example.com"}, 30));
    CHECK(isQuiet(watched.look()));
    CHECK(watched.look().news);
    CHECK(watched.look(now() + minutes(2)).fresh == nullptr);
    CHECK(watched.look(now() + hours(25)).fresh != nullptr);
}

TEST_CASE("a self-signed one that lies there near its end is renewed with the same key") {
    shim::TemporaryFolder folder;
    acme::CertificateStore store(folder / "tls", "1.2");
    acme::CertificateWatch watch(store);
    acme::CertificateSource source;
    source.names = {kHost};
    const auto first = watch.load(source);
    CHECK(isQuiet(watch.look(first->facts(), now())));
    const auto old = makeSelfSigned({kHost}, 20);
    gateway::writeDurably(store.keyFile(), old.key);
    gateway::writeDurably(store.certificateFile(), old.certificate);
    const auto seen = watch.look(first->facts(), now());
    REQUIRE(seen.fresh != nullptr);
    CHECK(seen.fresh->facts().daysLeft > 800);
    CHECK(seen.fresh->facts().publicKeySha256 ==
          gateway::net::certificateFacts(old.certificate).publicKeySha256);
    CHECK(isQuiet(watch.look(seen.fresh->facts(), now())));
}

TEST_CASE("a load that fails leaves the watch on the files from before") {
    Watched watched(makeSelfSigned({kHost}, 30));
    acme::CertificateSource none = watched.source;
    none.certificate = watched.folder / "none.pem";
    CHECK_THROWS_AS(watched.watch.load(none), gateway::Error);
    CHECK(isQuiet(watched.look()));
    watched.put(makeSelfSigned({kHost}, 60));
    CHECK(watched.look().fresh != nullptr);
}
