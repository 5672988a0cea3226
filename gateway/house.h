// What SMTP and POP3 sessions ask of the gateway, answered from the present snapshot of records and
// the last look at the disk. Never blocks: belongs to the I/O thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>

#include "gateway/drain.h"
#include "gateway/mail/registry.h"
#include "gateway/turned_away.h"
#include "gateway/watch/arrival_hours.h"
#include "gateway/watch/mailbox_times.h"
#include "gateway/watch/metrics.h"
#include "gateway/watch/store_times.h"
#include "gateway/watch/store_trouble.h"
#include "gateway/watch/traffic_history.h"
#include "smtp/session.h"

namespace gateway {

class House final : public smtp::House {
public:
    smtp::Recipient recipient(const MailboxId& mailbox) const override;
    std::uint64_t room() const override { return m_room; }
    bool draining() const override {
        return m_drain && !m_drain->isOver(std::chrono::system_clock::now());
    }
    bool asksForCertificate() const override { return m_asksForCertificate; }
    void onTurnedAway(const smtp::TurnedAway& event) override;
    void onStored(const MailboxId& mailbox) override;
    void onDurable(std::chrono::steady_clock::duration took) override { m_storeTimes.add(took); }
    void onNotStored(const MailboxId& mailbox, const MessageId& id,
                     const std::string& cause) override;

    /// The mailbox's state; nothing where this node does not know it.
    std::shared_ptr<const Mailbox> find(const MailboxId& mailbox) const;
    /// Whether what is sealed to this key still reaches the mailbox's password: its current key, or
    /// one chained to it.
    bool keyIsValid(const Drop& drop) const;

    void setRegistry(std::shared_ptr<const Registry> registry);
    const std::shared_ptr<const Registry>& registry() const { return m_registry; }
    void setRoom(std::uint64_t octets) { m_room = octets; }
    void setDrain(std::optional<Drain> drain) { m_drain = drain; }
    /// Also one that is over, until somebody takes it away.
    const std::optional<Drain>& drain() const { return m_drain; }
    const TurnedAwayCounts& turnedAway() const { return m_turnedAway; }
    const StoreTrouble& storeTrouble() const { return m_storeTrouble; }
    /// A message of the mailbox was fetched whole.
    void onFetched(const MailboxId& mailbox);
    void setTimes(MailboxTimes times) { m_times = std::move(times); }
    const MailboxTimes& times() const { return m_times; }
    void setArrivals(ArrivalHours arrivals) { m_arrivals = std::move(arrivals); }
    const ArrivalHours& arrivals() const { return m_arrivals; }
    const std::map<MailboxId, MailboxTraffic>& traffic() const { return m_traffic; }
    const StoreTimes& storeTimes() const { return m_storeTimes; }
    /// What a page that watches hears of.
    enum class Event { Traffic, Trouble };
    void tellOf(std::function<void(Event)> tell) { m_tell = std::move(tell); }
    void setHistory(TrafficHistory history) { m_history = std::move(history); }
    const TrafficHistory& history() const { return m_history; }

private:
    std::shared_ptr<const Registry> m_registry = std::make_shared<const Registry>();
    std::uint64_t m_room = UINT64_MAX;
    bool m_asksForCertificate = false;
    std::optional<Drain> m_drain;
    TurnedAwayCounts m_turnedAway;
    StoreTrouble m_storeTrouble;
    MailboxTimes m_times;
    ArrivalHours m_arrivals;
    std::map<MailboxId, MailboxTraffic> m_traffic;
    StoreTimes m_storeTimes;
    TrafficHistory m_history;
    std::function<void(Event)> m_tell = [](Event) {};
};

}  // namespace gateway
