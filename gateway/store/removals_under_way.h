// The drops that messages are being deleted from at this moment: what lies in their deleted/ may
// have to come back, and is not purged. Never holds anybody longer than one call of the kernel
// takes.
#pragma once

#include <mutex>
#include <set>

#include "gateway/mail/drop.h"

namespace gateway {

/// Any thread.
class RemovalsUnderWay {
public:
    /// One removal, until it is durable or was taken back.
    class Entry {
    public:
        Entry(RemovalsUnderWay& all, const Drop& drop) : m_all(all) {
            const std::lock_guard lock(m_all.m_mutex);
            m_place = m_all.m_drops.insert(drop);
        }
        ~Entry() {
            const std::lock_guard lock(m_all.m_mutex);
            m_all.m_drops.erase(m_place);
        }
        Entry(const Entry&) = delete;
        Entry& operator=(const Entry&) = delete;

    private:
        RemovalsUnderWay& m_all;
        std::multiset<Drop>::iterator m_place;
    };

    /// Calls `purge`, and none begins meanwhile; false, and nothing done, where one is under way.
    template <typename Purge>
    bool unless(const Drop& drop, Purge purge) {
        const std::lock_guard lock(m_mutex);
        if (m_drops.contains(drop)) {
            return false;
        }
        purge();
        return true;
    }

private:
    std::mutex m_mutex;
    std::multiset<Drop> m_drops;
};

}  // namespace gateway
