// Self-signed certificates: made once, kept, made again with the same key where they must be.
#include "acme/certificate_store.h"

#include <filesystem>
#include <sys/stat.h>

#include <doctest/doctest.h>

#include "gateway/base/durable_file.h"
#include "gateway/base/error.h"
#include "tests/base/temporary_folder.h"

namespace {

struct Shop {
    shim::TemporaryFolder folder;
    acme::CertificateStore store{folder / "tls", "1.2"};
    std::string certificate() const { return gateway::readWhole(store.certificateFile(), 100'000); }
    std::string key() const { return gateway::readWhole(store.keyFile(), 100'000); }
};

mode_t modeOf(const std::filesystem::path& file) {
    struct stat found{};
    REQUIRE(::stat(file.c_str(), &found) == 0);
    return found.st_mode & 0777U;
}

}  // namespace

TEST_CASE("the first start makes a certificate for all names, its key for the owner only") {
    Shop shop;
    CHECK(shop.store.selfSigned({"msgw1.example.com", "msgw.example.com"}) != nullptr);
    const auto facts = gateway::net::certificateFacts(shop.certificate());
    CHECK(facts.names == std::vector<std::string>{"msgw1.example.com", "msgw.example.com"});
    CHECK(facts.daysLeft >= acme::CertificateStore::kLifetimeDays - 1);
    CHECK(modeOf(shop.store.keyFile()) == 0600);
}

TEST_CASE("a certificate that still serves is kept as it is") {
    Shop shop;
    shop.store.selfSigned({"a.example.com", "b.example.com"});
    const std::string before = shop.certificate();
    shop.store.selfSigned({"a.example.com"});
    CHECK(shop.certificate() == before);
}

TEST_CASE("another name makes another certificate with the same key, so that pins hold") {
    Shop shop;
    shop.store.selfSigned({"a.example.com"});
    const auto before = gateway::net::certificateFacts(shop.certificate());
    const std::string key = shop.key();
    shop.store.selfSigned({"c.example.com"});
    const auto after = gateway::net::certificateFacts(shop.certificate());
    CHECK(after.names == std::vector<std::string>{"c.example.com"});
    CHECK(after.publicKeySha256 == before.publicKeySha256);
    CHECK(shop.key() == key);
}

TEST_CASE("a certificate near its end is renewed with the same key") {
    Shop shop;
    gateway::makeDurableDirectory(shop.folder / "tls");
    const auto old = gateway::net::makeSelfSigned({"a.example.com"},
                                                  acme::CertificateStore::kRenewBeforeDays - 1);
    gateway::writeDurably(shop.store.certificateFile(), old.certificate);
    gateway::writeDurably(shop.store.keyFile(), old.key);
    shop.store.selfSigned({"a.example.com"});
    CHECK(gateway::net::certificateFacts(shop.certificate()).daysLeft > 800);
    CHECK(shop.key() == old.key);
}

TEST_CASE("a damaged pair of our own is made again") {
    Shop shop;
    shop.store.selfSigned({"a.example.com"});
    gateway::writeDurably(shop.store.keyFile(), "no key at all\n");
    CHECK(shop.store.selfSigned({"a.example.com"}) != nullptr);
    CHECK(shop.key() != "no key at all\n");
}

TEST_CASE("the admin's own files: a pair that does not match is refused by name") {
    Shop shop;
    const auto one = gateway::net::makeSelfSigned({"a.example.com"}, 10);
    const auto two = gateway::net::makeSelfSigned({"a.example.com"}, 10);
    gateway::writeDurably(shop.folder / "cert.pem", one.certificate);
    gateway::writeDurably(shop.folder / "key.pem", two.key);
    try {
        shop.store.files(shop.folder / "cert.pem", shop.folder / "key.pem");
        FAIL("taken");
    } catch (const gateway::Error& error) {
        CHECK(error.kind() == gateway::Error::Kind::Tls);
        CHECK(std::string(error.what()).find("cert.pem") != std::string::npos);
    }
}
