// Everything but <cloudp2p/asio.hpp>, which brings Asio with it, and <cloudp2p/testing/...>.
#pragma once

#include <cloudp2p/backup.hpp>
#include <cloudp2p/bully_election.hpp>
#include <cloudp2p/catalog.hpp>
#include <cloudp2p/client.hpp>
#include <cloudp2p/config.hpp>
#include <cloudp2p/config_keys.hpp>
#include <cloudp2p/host.hpp>
#include <cloudp2p/json_writer.hpp>
#include <cloudp2p/node.hpp>
