// A node with a data directory, and backups between such nodes.
#pragma once

#include <algorithm>
#include <memory>
#include <string>

#include <doctest/doctest.h>

#include "gateway/base/error.h"
#include "gateway/mail/backup.h"
#include "tests/mail/records_fixture.h"

namespace backup_test {

using namespace gateway;

inline const crypto::Password kPassword("another password");

/// A node with a data directory of its own; what it knows as others would read it from a backup.
struct Side : RecordsFixture {
    explicit Side(const std::string& name) : running(keeper(name)) { running->load(); }

    std::string backup() const {
        Backup backup;
        backup.domain = "msgw.example.com";
        backup.hostname = "gw1.example.com";
        backup.at = WallTime();  // the same whenever two are compared
        backup.records = running->records();
        return backup.toToml();
    }

    RegistryKeeper::Import import(const std::string& text, bool trustAll = false) {
        std::string why;
        const auto backup = Backup::fromToml(text, why);
        REQUIRE_MESSAGE(backup, why);
        const auto preview = running->preview(backup->records, trustAll);
        auto done = running->import(backup->records, trustAll);
        REQUIRE(done.changes.size() == preview.changes.size());
        for (std::size_t i = 0; i < done.changes.size(); ++i) {
            CHECK(done.changes[i].describe() == preview.changes[i].describe());
        }
        return done;
    }

    std::shared_ptr<const Mailbox> find(const MailboxId& id) const {
        return running->current()->find(id);
    }

    std::unique_ptr<RegistryKeeper> running;
};

inline std::string whyRefused(const std::string& text) {
    std::string why;
    CHECK_FALSE(Backup::fromToml(text, why));
    return why;
}

inline std::string replaced(std::string text, const std::string& what, const std::string& with) {
    const std::size_t at = text.find(what);
    REQUIRE(at != std::string::npos);
    return text.replace(at, what.size(), with);
}

inline bool says(const RegistryKeeper::Import& import, const std::string& words) {
    return std::any_of(
        import.changes.begin(), import.changes.end(), [&words](const RecordChange& change) {
            const auto sentences = change.describe();
            return std::any_of(sentences.begin(), sentences.end(), [&words](const auto& sentence) {
                return sentence.find(words) != std::string::npos;
            });
        });
}

}  // namespace backup_test
