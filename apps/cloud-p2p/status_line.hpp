// What `systemctl status` shows of a node.
#pragma once

#include <cloudp2p/node.hpp>

#include <string>

namespace server {

/// One line: role, leader, term, images, what is missing here, the state of the disk.
[[nodiscard]] std::string status_line(const cloudp2p::NodeStatus& status);

}  // namespace server
