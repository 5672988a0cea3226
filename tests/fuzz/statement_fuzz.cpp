// One statement as TOML: what is taken has one canonical form, and survives being written and read
// again. Input: the fields of a statement, as a file.
#include "gateway/base/error.h"
#include "gateway/mail/canonical_json.h"
#include "gateway/mail/statement_toml.h"
#include "tests/fuzz/fuzzing.h"
#include "tests/fuzz/record_fixture.h"

namespace {

using fuzz::claim;
using gateway::Statement;
using nlohmann::json;

void checkStatement(const json& fields) {
    std::string why;
    const auto statement = Statement::parse(fuzz::mailbox(), fuzz::node(), fields, why);
    claim(statement.has_value() == why.empty(), "a refusal has its reason, and only a refusal");
    if (!statement) {
        return;
    }
    claim(statement->counter() >= 1 && statement->counter() <= Statement::kGreatestCounter,
          "a counter is in its range");
    claim(statement->fields() == fields, "all fields are kept");
    const json canonical = json::parse(statement->canonical());
    claim(gateway::canonicalJson(canonical) == statement->canonical(), "the canonical form is one");
    claim(canonical.at("node") == fuzz::node().str() &&
              canonical.at("address") == fuzz::mailbox().str(),
          "mailbox and node are part of what is signed");
    static const auto kKey =
        *crypto::VerifyKey::parse("11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=");
    claim(!statement->signedBy(kKey), "nobody can sign for another");

    const auto again = gateway::parseToml(gateway::formatToml(fields), why);
    claim(again.has_value(), "what is written can be read");
    claim(*again == fields, "what is written is read the same");
}

}  // namespace

void fuzz::run(std::string_view input) {
    std::string why;
    const auto fields = gateway::parseToml(input, why);
    claim(fields.has_value() == why.empty(), "a refusal has its reason, and only a refusal");
    if (fields) {
        checkStatement(*fields);
    }
}
