// Prints a list of peers on loopback ports that are free now: free_ports COUNT
#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <iostream>

int main(int argc, char** argv) {
  const int count = argc > 1 ? std::atoi(argv[1]) : 1;
  for (int id = 1; id <= count; ++id) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    const int socket_fd = socket(AF_INET, SOCK_STREAM, 0);  // Kept until the end, so that no two are the same.
    if (bind(socket_fd, reinterpret_cast<const sockaddr*>(&address), size) != 0) return EXIT_FAILURE;
    if (getsockname(socket_fd, reinterpret_cast<sockaddr*>(&address), &size) != 0) return EXIT_FAILURE;
    std::cout << (id > 1 ? "," : "") << id << "=127.0.0.1:" << ntohs(address.sin_port);
  }
  std::cout << '\n';
}
