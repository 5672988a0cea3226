// The program's entry. Never does anything itself.
#include <sys/stat.h>

#include "gateway/commands.h"

int main(int argc, char** argv) {
    ::umask(077);
    return gateway::runCommand(argc, argv);
}
