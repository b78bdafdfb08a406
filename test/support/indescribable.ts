/** What may be thrown although it cannot be looked at: whoever reads of it, or asks what it is, is thrown at in turn. */
export function indescribable(): Record<'message' | 'stack' | 'name' | 'symbol' | 'bare' | 'proxy', unknown> {
  const throwing = (field: string): Error =>
    Object.defineProperty(new Error('no'), field, {
      get: () => {
        throw new Error(`no ${field}`);
      },
    });
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  return {
    message: throwing('message'),
    stack: throwing('stack'),
    name: throwing('name'),
    symbol: Object.assign(new Error('no'), { stack: Symbol('no') }),
    bare: Object.create(null) as object,
    proxy,
  };
}
