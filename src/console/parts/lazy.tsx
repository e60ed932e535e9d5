/** A page whose files are loaded when it is opened for the first time. */
import type { ComponentType } from "preact";
import { useEffect, useState } from "preact/hooks";
import { ErrorStrip, Skeleton } from "./states.tsx";

/** `load`: resolves to the component. A failure is shown, and tried again on demand. */
export const lazyPage = <Props extends object>(load: () => Promise<ComponentType<Props>>): ComponentType<Props> => {
  let loaded: ComponentType<Props> | undefined;
  return function LazyPage(props: Props) {
    const [, setLoaded] = useState(loaded !== undefined);
    const [error, setError] = useState<unknown>();
    useEffect(() => {
      if (loaded) return;
      let isGone = false;
      load().then(
        (component) => {
          loaded = component;
          if (!isGone) setLoaded(true);
        },
        (reason: unknown) => !isGone && setError(reason),
      );
      return () => void (isGone = true);
    }, [error === undefined]);
    if (loaded) {
      const Component = loaded;
      return <Component {...props} />;
    }
    if (error !== undefined) return <ErrorStrip error={error} retry={() => setError(undefined)} />;
    return <Skeleton rows={12} />;
  };
};
