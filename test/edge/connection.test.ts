/** The states of a client connection, without a server. */
import { EventEmitter } from "node:events";
import type { Socket } from "node:net";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Connection } from "../../src/edge/connection.ts";

class FakeSocket extends EventEmitter {
  destroyed = false;
  paused = false;
  bytesRead = 1;
  localAddress = "::ffff:192.0.2.1";
  pause = (): this => ((this.paused = true), this);
  resume = (): this => ((this.paused = false), this.emit("resume"), this);
  destroySoon = (): void => void this.destroy();
  destroy = (): this => ((this.destroyed = true), this.emit("close"), this);
}

const FAULT = { kind: "ambiguous", detail: "no request" } as const;

describe("a client connection", () => {
  let socket: FakeSocket;
  let connection: Connection;
  let log: string[];
  const request = (name: string): void => connection.enqueue(() => log.push(name));

  beforeEach(() => {
    log = [];
    socket = new FakeSocket();
    connection = new Connection(socket as unknown as Socket, "192.0.2.2", () => log.push("refused"));
  });

  it("begins a pipelined request when the previous one has ended", () => {
    request("one");
    request("two");
    expect(log).toEqual(["one"]);
    connection.next();
    expect([log, connection.isBusy]).toEqual([["one", "two"], true]);
    connection.next();
    expect(connection.isBusy).toBe(false);
  });

  it("drops requests after its last reply", () => {
    request("one");
    request("two");
    connection.reply(true);
    connection.next();
    request("three");
    expect([log, connection.isBusy]).toEqual([["one"], false]);
  });

  it("refuses invalid bytes after a request when that request is answered, and begins no further request", () => {
    request("one");
    connection.fail(FAULT);
    request("two");
    expect(log).toEqual(["one"]);
    connection.next();
    expect(log).toEqual(["one", "refused"]);
  });

  it("closes at once when it is retired while idle", () => {
    connection.retire();
    request("one");
    expect([socket.destroyed, log]).toEqual([true, []]);
  });

  it("is retiring until the current reply is sent", () => {
    request("one");
    connection.retire();
    expect([socket.destroyed, connection.isRetiring]).toEqual([false, true]);
    connection.next();
    expect([socket.destroyed, connection.isBusy]).toEqual([true, false]);
  });

  describe("that is retired", () => {
    beforeEach(() => void vi.useFakeTimers());
    afterEach(() => void vi.useRealTimers());

    it.each<[string, (connection: Connection) => void]>([
      ["while a request is in progress", () => undefined],
      ["a second time", (connection) => connection.retire()],
      ["although it closes after its reply anyway", (connection) => connection.closeAfterReply()],
      ["although its last reply is being sent", (connection) => connection.reply(true)],
    ])("is closed within 5 s, %s", (_what, before) => {
      request("one");
      before(connection);
      connection.retire();
      vi.advanceTimersByTime(3000);
      connection.retire();
      expect(socket.destroyed).toBe(false);
      vi.advanceTimersByTime(2000);
      expect([socket.destroyed, vi.getTimerCount()]).toEqual([true, 0]);
    });
  });

  it("pauses a client with eight unanswered requests, even when Node resumes the socket", () => {
    for (let at = 0; at <= 8; at++) request(String(at));
    socket.resume();
    expect([socket.paused, connection.isHeldBack]).toEqual([true, true]);
    connection.next();
    expect([socket.paused, log]).toEqual([false, ["0", "1"]]);
  });

  it("notifies requests of a paused client's disconnect only when reading resumes", () => {
    for (let at = 0; at <= 8; at++) request(String(at));
    connection.onClose(() => log.push("gone"));
    socket.emit("end");
    expect(log).toEqual(["0"]);
    connection.next();
    expect(log).toEqual(["0", "gone", "1"]);
  });

  it("notifies requests of a disconnect once, and new listeners immediately", () => {
    connection.onClose(() => log.push("gone"));
    socket.emit("end");
    socket.destroy();
    connection.onClose(() => log.push("late"));
    expect(log).toEqual(["gone", "late"]);
  });

  it.each([
    [1, false],
    [2, true],
  ])("is closed after %i seconds in which the client does not read its reply: %s", (seconds, isClosed) => {
    request("one");
    connection.reply(false);
    for (let at = 0; at < seconds; at++) connection.tick(1);
    expect(socket.destroyed).toBe(isClosed);
  });
});
