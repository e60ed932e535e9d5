import { openOwnershipStore, type OwnershipStore } from "../../src/ownership/store/store.ts";
import { describeStoreContract } from "../ownership/store/store-contract.ts";
import { Random } from "./random.ts";
import type { Event, Owner } from "./scheduler.ts";
import { simStoreThread, StoreFile } from "./store.ts";

/** The real clock in the place of virtual time. */
const realTime = {
  get now() {
    return performance.now();
  },
  outside: (ms: number, run: () => void, owner?: Owner): Event => {
    setTimeout(() => owner?.isAlive !== false && run(), ms);
    return { due: 0, order: 0, kind: "outside", owner, run };
  },
};

describeStoreContract("the thread that the simulation has", () => {
  const file = new StoreFile();
  const owners = new Map<OwnershipStore, Owner>();
  let random = 0;
  return Promise.resolve({
    open: async (options) => {
      const owner: Owner = { name: "gateway", isAlive: true };
      const store = await openOwnershipStore("", {
        ...options,
        thread: simStoreThread({ file, scheduler: realTime, random: new Random(String(random++)), owner }),
      });
      owners.set(store, owner);
      return store;
    },
    crash: (store) => {
      owners.get(store)!.isAlive = false;
      return Promise.resolve();
    },
    lock: () => {
      file.fault = "locked";
      return () => {
        file.fault = undefined;
      };
    },
    remove: () => Promise.resolve(),
  });
});
