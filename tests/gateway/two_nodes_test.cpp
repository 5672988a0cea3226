// The sequences that lose mail elsewhere: whatever is done to a mailbox on either of two nodes, in
// whatever order, and whichever way config/ is copied between them by hand, every message that a
// node took opens with the password that was valid there, and both seal to one key again.
// SEED draws another sample; keys are made anew in each run, and who wins a tie is theirs to
// decide.
#include "tests/gateway/two_nodes.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <random>

#include <doctest/doctest.h>

using namespace gateway;
using two_nodes::Copying;
namespace fs = std::filesystem;

namespace {

enum class Step { Create, Change, Reset, Suspend, Delete, Restore };
constexpr std::size_t kSteps = 6;

/// What is copied between the nodes after each step.
enum class Between { Nothing, OldOverNew, NewOverOld };

struct Plan {
    std::array<Step, kSteps> order{};
    unsigned onSecond = 0;  ///< a bit a step
};

/// Every order of the steps, each on either node, but for those before the mailbox is there, which
/// find none on either.
std::vector<Plan> allPlans() {
    std::vector<Plan> plans;
    Plan plan;
    plan.order = {Step::Create,  Step::Change, Step::Reset,
                  Step::Suspend, Step::Delete, Step::Restore};
    do {
        const auto created = static_cast<unsigned>(
            std::find(plan.order.begin(), plan.order.end(), Step::Create) - plan.order.begin());
        for (plan.onSecond = 0; plan.onSecond < 1U << kSteps; plan.onSecond += 2U << created) {
            plans.push_back(plan);
        }
    } while (std::next_permutation(plan.order.begin(), plan.order.end()));
    return plans;
}

class Play {
public:
    Play(const Plan& plan, std::uint64_t seed) : m_plan(plan), m_random(seed) {
        if (m_paired) {
            m_first.trust(m_second);
            m_second.trust(m_first);
        }
    }

    std::string describe() const {
        static constexpr std::array<const char*, kSteps> kNames{"create",  "change", "reset",
                                                                "suspend", "delete", "restore"};
        static constexpr std::array<const char*, 3> kBetween{"nothing copied", "old over new",
                                                             "new over old"};
        std::string text = m_paired ? "paired: " : "the first distrusts the second: ";
        for (std::size_t i = 0; i < kSteps; ++i) {
            text += std::string(kNames.at(static_cast<std::size_t>(m_plan.order.at(i)))) +
                    (onSecond(i) ? "@2 " : "@1 ");
        }
        return text + kBetween.at(static_cast<std::size_t>(m_between));
    }

    void run() {
        for (std::size_t i = 0; i < kSteps; ++i) {
            const bool second = onSecond(i);
            take(m_plan.order.at(i), second ? m_second : m_first);
            if (m_created) {
                copy(second ? m_second : m_first, second ? m_first : m_second);
                m_backups.push_back(backup(m_first));
                m_backups.push_back(backup(m_second));
            }
        }
        if (!m_paired) {
            two_nodes::expectAllOpens(m_first, m_passwords);
            two_nodes::expectAllOpens(m_second, m_passwords);
            m_first.trust(m_second);
            m_second.trust(m_first);
        }
        expectOneMailbox();
    }

private:
    using Node = two_nodes::Gateway;
    struct Backup {
        std::unique_ptr<shim::TemporaryFolder> folder;  ///< a copy of config/
        std::string text;                               ///< what `backup export` wrote
    };
    bool onSecond(std::size_t step) const { return ((m_plan.onSecond >> step) & 1U) != 0; }
    bool oneOf(std::uint64_t number) { return m_random() % number == 0; }
    Copying anyWay() { return oneOf(2) ? Copying::Over : Copying::Mirror; }

    void take(Step step, Node& node) {
        if (step == Step::Create) {
            node.create();
            m_created = true;
            give(node, other(node), Copying::Over);
            other(node).restart();  // this is its first start with a configuration
            node.deliver();
            other(node).deliver();
            return;
        }
        if (!m_created) {
            REQUIRE(node.ask("mailbox.reset_password", {}).at("ok") == false);
            REQUIRE_FALSE(node.mailbox());
            return;
        }
        act(step, node);
        node.deliver();  // it was on its way
    }

    void act(Step step, Node& node) {
        switch (step) {
            case Step::Create:
                return;
            case Step::Change:
                return node.changePassword();
            case Step::Reset:
                return node.resetPassword();
            case Step::Suspend:
                return node.setStatus(MailboxStatus::Suspended);
            case Step::Delete:
                REQUIRE(node.ask("mailbox.delete", {}).at("ok") == false);  // messages wait
                return node.setStatus(MailboxStatus::Deleted);              // as where none wait
            case Step::Restore:
                return restore(node);
        }
    }

    /// An old backup of either node, by hand or by `backup import`.
    void restore(Node& node) {
        const Backup& old = m_backups[m_random() % m_backups.size()];
        if (oneOf(2)) {
            node.import(old.text, m_paired && oneOf(2));
        } else {
            two_nodes::copyConfig(old.folder->path(), node.layout(), anyWay());
        }
        oneOf(2) ? node.restart() : node.look();
    }

    Node& other(const Node& node) { return &node == &m_first ? m_second : m_first; }

    void give(Node& from, Node& to, Copying how) {
        two_nodes::copyConfig(from.layout().config(), to.layout(), how);
        if (oneOf(3)) {
            to.restart();
        }
        to.look();
    }

    void copy(Node& acted, Node& idle) {
        if (m_between == Between::OldOverNew) {
            give(idle, acted, anyWay());
        } else if (m_between == Between::NewOverOld) {
            give(acted, idle, anyWay());
        }
    }

    static Backup backup(const Node& node) {
        Backup made{std::make_unique<shim::TemporaryFolder>(), node.exported()};
        fs::copy(node.layout().config(), made.folder->path(), fs::copy_options::recursive);
        return made;
    }

    void expectOneMailbox() {
        const bool firstGives = oneOf(2);
        Node& one = firstGives ? m_first : m_second;
        give(one, other(one), anyWay());
        give(other(one), one, anyWay());
        give(one, other(one), anyWay());
        REQUIRE(two_nodes::textOf(*m_first.mailbox()) == two_nodes::textOf(*m_second.mailbox()));
        two_nodes::expectAllOpens(m_first, m_passwords);
        two_nodes::expectAllOpens(m_second, m_passwords);
        m_first.deliver();
        m_second.deliver();
        REQUIRE(m_first.waiting().back().drop == m_second.waiting().back().drop);
        two_nodes::expectAllOpens(m_first, m_passwords);
        two_nodes::expectAllOpens(m_second, m_passwords);
    }

    const Plan m_plan;
    std::mt19937_64 m_random;
    const Between m_between = static_cast<Between>(m_random() % 3);
    const bool m_paired = oneOf(2);  ///< else the first trusts the second only in the end
    std::map<std::string, std::string> m_passwords;
    const bool m_firstIsLess = oneOf(2);
    Node m_first{"msgw1.test", m_firstIsLess ? '1' : '2', m_passwords};
    Node m_second{"msgw2.test", m_firstIsLess ? '2' : '1', m_passwords};
    bool m_created = false;
    std::vector<Backup> m_backups;
};

std::uint64_t fromEnvironment(const char* name, std::uint64_t otherwise) {
    const char* const text = std::getenv(name);
    return text != nullptr ? std::strtoull(text, nullptr, 10) : otherwise;
}

}  // namespace

TEST_CASE("whatever is done on which of two nodes, in whatever order: every message opens") {
    constexpr std::uint64_t kShort = 8;  // seconds; `make soak` plays them all
    constexpr std::uint64_t kSoak = 600;
    const std::uint64_t seed = fromEnvironment("SEED", 20261122);
    const std::uint64_t duration = fromEnvironment("DURATION", kShort);
    const auto end = std::chrono::steady_clock::now() +
                     std::chrono::seconds(duration < kSoak ? kShort : duration);
    shim::keepFoldersInMemory();
    std::vector<Plan> plans = allPlans();
    std::shuffle(plans.begin(), plans.end(), std::mt19937_64(seed));
    std::size_t played = 0;
    for (; std::chrono::steady_clock::now() < end; ++played) {
        Play play(plans[played % plans.size()], seed + played);
        CAPTURE(seed);
        CAPTURE(played);
        CAPTURE(play.describe());
        play.run();
    }
    std::printf("figure: %zu histories of two nodes, of %zu orders, from seed %llu\n", played,
                plans.size(), static_cast<unsigned long long>(seed));
}
