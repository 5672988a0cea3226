// The files under acme/: keys for the owner only and on the disk before they are used; what is lost
// is made anew and said, what is damaged is left to the admin.
#include "acme/acme_folder.h"

#include <sys/stat.h>

#include <doctest/doctest.h>

#include "acme/issued.h"
#include "crypto/base64.h"
#include "gateway/base/durable_file.h"
#include "gateway/base/error.h"
#include "gateway/net/tls_objects.h"
#include "tests/base/temporary_folder.h"

namespace {

const std::string kDirectory = "https://ca.example.com/directory";

struct Desk {
    shim::TemporaryFolder folder;
    acme::AcmeFolder acme{folder / "acme"};
    std::filesystem::path keyFile() const { return acme.accountFolder(kDirectory) / "account.key"; }
    std::filesystem::path factsFile() const {
        return acme.accountFolder(kDirectory) / "account.json";
    }
};

mode_t modeOf(const std::filesystem::path& file) {
    struct stat found{};
    REQUIRE(::stat(file.c_str(), &found) == 0);
    return found.st_mode & 0777U;
}

}  // namespace

TEST_CASE("an account's key is made once, for the owner only, and comes back") {
    Desk desk;
    const auto first = desk.acme.openAccount(kDirectory);
    CHECK(first.account.keyIsNew);
    CHECK(first.notice.empty());
    CHECK(modeOf(desk.keyFile()) == 0600);
    CHECK(modeOf(desk.acme.accountFolder(kDirectory)) == 0700);
    acme::Account account;
    account.url = "https://ca.example.com/acct/1";
    account.contact = "mailto:a@example.com";
    desk.acme.saveAccount(kDirectory, first.key, account);
    const auto again = desk.acme.openAccount(kDirectory);
    CHECK(again.key.thumbprint() == first.key.thumbprint());
    CHECK(again.account.url == account.url);
    CHECK(again.account.contact == account.contact);
    CHECK_FALSE(again.account.keyIsNew);
    CHECK(desk.acme.knownAccount(kDirectory).url == account.url);
}

TEST_CASE("every authority has an account of its own, whatever its address looks like") {
    const Desk desk;
    const auto one = desk.acme.accountFolder("https://ca.example.com/directory");
    CHECK(one != desk.acme.accountFolder("https://ca.example.com/staging"));
    CHECK(one.parent_path() == desk.acme.accountFolder("https://../../etc/passwd").parent_path());
}

TEST_CASE("a key that is gone is made anew and said; one that is damaged is not") {
    Desk desk;
    const auto first = desk.acme.openAccount(kDirectory);
    acme::Account account;
    account.url = "https://ca.example.com/acct/1";
    desk.acme.saveAccount(kDirectory, first.key, account);
    std::filesystem::remove(desk.keyFile());
    const auto anew = desk.acme.openAccount(kDirectory);
    CHECK(anew.account.keyIsNew);
    CHECK(anew.account.url.empty());
    CHECK(anew.notice.find("accounturi") != std::string::npos);
    gateway::writeDurably(desk.keyFile(), "-----BEGIN PRIVATE KEY-----\nxx\n");
    try {
        desk.acme.openAccount(kDirectory);
        FAIL("a damaged key was replaced");
    } catch (const gateway::Error& error) {
        CHECK(error.kind() == gateway::Error::Kind::Corrupt);
        CHECK(std::string(error.what()).find("account.key") != std::string::npos);
    }
    CHECK(gateway::readWhole(desk.keyFile(), 1000) == "-----BEGIN PRIVATE KEY-----\nxx\n");
}

TEST_CASE("facts of another key, or damaged ones, only cost the account's address") {
    Desk desk;
    const auto first = desk.acme.openAccount(kDirectory);
    acme::Account account;
    account.url = "https://ca.example.com/acct/1";
    desk.acme.saveAccount(kDirectory, acme::AccountKey::make(), account);
    CHECK(desk.acme.openAccount(kDirectory).account.url.empty());
    gateway::writeDurably(desk.factsFile(), "{");
    CHECK(desk.acme.openAccount(kDirectory).account.url.empty());
    CHECK(desk.acme.openAccount(kDirectory).key.thumbprint() == first.key.thumbprint());
}

TEST_CASE("a state of a newer version is neither read nor written over") {
    Desk desk;
    const std::string newer = R"({"format": 2, "failures": 7})";
    gateway::writeDurably(desk.folder / "acme/state.json", newer);
    CHECK(desk.acme.loadState() == acme::RenewalState());
    desk.acme.saveState(acme::RenewalState());
    CHECK(gateway::readWhole(desk.folder / "acme/state.json", 1000) == newer);
    gateway::writeDurably(desk.folder / "acme/state.json", "damaged");
    acme::RenewalState state = desk.acme.loadState();
    state.failures = 3;
    desk.acme.saveState(state);
    CHECK(desk.acme.loadState() == state);
}

TEST_CASE("a certificate and its key are one file for the owner only, replaced in one step") {
    Desk desk;
    CHECK_FALSE(desk.acme.certificate().has_value());
    const std::string key = desk.acme.newKey();
    CHECK(modeOf(desk.folder / "acme/next.key") == 0600);
    CHECK(gateway::readWhole(desk.folder / "acme/next.key", 10'000) == key);
    const auto made = gateway::net::makeSelfSigned({"a.example.com"}, 10, key);
    desk.acme.install(made.certificate, key);
    CHECK_FALSE(std::filesystem::exists(desk.folder / "acme/next.key"));
    CHECK(modeOf(desk.acme.certificateFile()) == 0600);
    const std::string pair = desk.acme.certificate().value();
    const gateway::net::TlsContext usable(pair, pair, "1.2");
    CHECK(usable.facts().names == std::vector<std::string>{"a.example.com"});
    const auto held = acme::heldOf(pair);
    REQUIRE(held.has_value());
    CHECK(held->names == usable.facts().names);
    CHECK(held->ends == usable.facts().ends);
    CHECK(held->begins < held->ends);
    CHECK_FALSE(acme::heldOf("no certificate").has_value());
    CHECK(acme::encodedCertificate(pair).size() > 200);
}

TEST_CASE("the id for renewal information is that of RFC 9773's example") {
    // Section 4.1: key id and serial number of its example, whose first octet needs a leading 00.
    const gateway::net::Pkey key(EVP_EC_gen("P-256"));
    const gateway::net::X509Ptr certificate(X509_new());
    const std::string issuer =
        crypto::decodeBase64("aYhba4dGQEHhs3uEe6CuLN4ByNQ", crypto::Base64::Url).value();
    AUTHORITY_KEYID* const identifier = AUTHORITY_KEYID_new();
    identifier->keyid = ASN1_OCTET_STRING_new();
    ASN1_OCTET_STRING_set(identifier->keyid, reinterpret_cast<const unsigned char*>(issuer.data()),
                          static_cast<int>(issuer.size()));
    X509_add1_ext_i2d(certificate.get(), NID_authority_key_identifier, identifier, 0, 0);
    AUTHORITY_KEYID_free(identifier);
    ASN1_INTEGER_set_uint64(X509_get_serialNumber(certificate.get()), 0x87654321);
    X509_gmtime_adj(X509_getm_notBefore(certificate.get()), 0);
    X509_gmtime_adj(X509_getm_notAfter(certificate.get()), 3600);
    X509_set_pubkey(certificate.get(), key.get());
    X509_sign(certificate.get(), key.get(), EVP_sha256());
    const auto held = acme::heldOf(gateway::net::pemOf(certificate.get()));
    REQUIRE(held.has_value());
    CHECK(held->id == "aYhba4dGQEHhs3uEe6CuLN4ByNQ.AIdlQyE");
    CHECK(held->ends - held->begins == std::chrono::hours(1));
}
