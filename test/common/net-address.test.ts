import { BlockList } from "node:net";
import { describe, expect, it } from "vitest";
import { isWithin, networkOf, plainAddress } from "../../src/common/net-address.ts";

describe("plainAddress", () => {
  it.each([
    ["192.0.2.1", "192.0.2.1"],
    ["::ffff:192.0.2.1", "192.0.2.1"],
    ["::FFFF:192.0.2.1", "192.0.2.1"],
    ["::ffff:c000:201", "192.0.2.1"],
    ["0:0:0:0:0:ffff:c000:201", "192.0.2.1"],
    ["::ffff:0:a", "0.0.0.10"],
    ["2001:DB8:0:0:0:0:0:1", "2001:db8::1"],
    ["::1", "::1"],
    ["fe80::1%eth0", "fe80::1%eth0"],
    ["localhost", "localhost"],
  ])("writes %s as %s", (address, plain) => expect(plainAddress(address)).toBe(plain));
});

describe("networkOf", () => {
  it.each([
    ["192.0.2.1", "192.0.2.1"],
    ["::ffff:192.0.2.1", "192.0.2.1"],
    ["2001:db8:1:2:3::1", "2001:db8:1:2"],
    ["2001:db8::1", "2001:db8:0:0"],
  ])("maps %s to the network %s", (address, network) => expect(networkOf(address)).toBe(network));
});

describe("isWithin", () => {
  const networks = new BlockList();
  networks.addSubnet("192.0.2.0", 24, "ipv4");
  networks.addSubnet("2001:db8::", 32, "ipv6");

  it.each([
    ["192.0.2.1", true],
    ["::ffff:192.0.2.1", true],
    ["::ffff:c000:201", true],
    ["2001:db8::1", true],
    ["198.51.100.1", false],
    ["2001:db9::1", false],
    ["no address", false],
  ])("decides whether %s is in one of the networks: %s", (address, is) => expect(isWithin(networks, address)).toBe(is));
});
