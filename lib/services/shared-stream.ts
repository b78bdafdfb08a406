import { Observable, Subject } from 'rxjs';

/** Tells `tell` what happens, until the function that it returns is called. */
type Listen<T> = (tell: (value: T) => void) => () => void;

/**
 * A hot stream that listens to its source only while somebody is subscribed: what nobody hears of need not be told, and
 * every change of the registry, of any node, would be.
 */
export class SharedStream<T> {
  private readonly subject = new Subject<T>();
  private listen: Listen<T> | undefined;
  private stop: (() => void) | undefined;

  /** May be subscribed to before there is a source, and after the end. */
  readonly values = new Observable<T>((subscriber) => {
    const subscription = this.subject.subscribe(subscriber);
    this.attend();
    return () => {
      subscription.unsubscribe();
      this.attend();
    };
  });

  /** Whether somebody is subscribed. */
  get observed(): boolean {
    return this.subject.observed;
  }

  /** There is a source now; called once. */
  connect(listen: Listen<T>): void {
    this.listen = listen;
    this.attend();
  }

  /** Tells the subscribers something that does not come from the source. */
  next(value: T): void {
    this.subject.next(value);
  }

  /** Nothing happens any more: subscribers are told. */
  complete(): void {
    this.listen = undefined;
    this.subject.complete();
    this.attend();
  }

  private attend(): void {
    if (this.listen && this.observed) {
      this.stop ??= this.listen((value) => this.subject.next(value));
    } else {
      this.stop?.();
      this.stop = undefined;
    }
  }
}
