// Delivers two messages into a new mailbox below the folder given, saying "durable" after each: for
// watching the system calls from outside. Never used by the program itself.
#include <iostream>

#include "gateway/base/text.h"
#include "gateway/mail/layout.h"
#include "gateway/store/deposit.h"
#include "gateway/store/directory_store.h"

int main(int count, char** arguments) {
    if (count != 2) {
        std::cerr << "usage: deliver_twice FOLDER\n";
        return 64;
    }
    gateway::DirectoryStore store{gateway::Layout(arguments[1])};
    const gateway::Drop drop(gateway::MailboxId::generate(), crypto::OpenKey::generate().sealKey());
    for (int i = 0; i < 2; ++i) {
        gateway::Deposit deposit(store, gateway::MessageId::generate(), {{drop, "For: one\r\n"}});
        deposit.append(gateway::octetsOf(std::string(200'000, 'x')));
        deposit.commit();
        std::cout << "durable" << std::endl;
    }
    return 0;
}
