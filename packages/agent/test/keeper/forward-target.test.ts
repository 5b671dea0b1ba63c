import { describe, expect, it } from 'vitest';
import { assertForwardTarget } from '../../src/keeper/forward-target.js';

describe('paths', () => {
  const refused = [
    ...['', 'v1', 'https://other.test/', '//other.test/', '/\\other.test', '/a\\..\\b', '/a#b'],
    ...[
      '/..',
      '/a/../b',
      '/a/./b',
      '/%2e%2e/b',
      '/a/%2E%2e',
      '/a/.%2e/b',
      '/a%2f..%2fb',
      '/a%5c..',
    ],
    ...[
      '/a b',
      '/a\tb',
      '/a\r\nHost: other.test',
      '/a\0',
      '/\u00e9',
      '/%0d%0aHost:%20other',
      '/%00',
    ],
    ...['/?_method=DELETE', '/?a=1&_METHOD=DELETE', '/?a=1;_method=DELETE', '/?%5fmethod=DELETE'],
    ...['/?.method=DELETE', '/?_method[]=DELETE', '/?+_method=DELETE', '/?_HttpMethod=PATCH'],
    ...['/?$httpMethod=PATCH', '/?x_method_override=PUT', '/?x-tunneled-method=PUT', '/?_method'],
    ...['/%7f', '/%', '/%2', '/%zz', '*', 'other.test:443', `/${'a'.repeat(8192)}`],
  ];
  for (const target of refused) {
    it(`[V14] refuses ${JSON.stringify(target).slice(0, 40)}`, () => {
      expect(() => assertForwardTarget(target)).toThrow(
        expect.objectContaining({ code: 'host_refused' }),
      );
    });
  }

  const taken = [
    ...['/', '/v1/messages', '/v1/models?limit=1&x=%0a', '/a%20b', '/group%2Fproject', '/a..b/...'],
    ...[
      '/?method=search',
      '/?payment[method]=card&shipping_method=a',
      '/?q=_method=DELETE',
      '/_method',
    ],
    ...['/@scope/name', "/a(b)'c*d;e=f,g:h", '/?q=../..', '/%C3%A9', '/a//b', '/%252e%252e/'],
  ];
  for (const target of taken) {
    it(`[V14] honest: takes ${target}`, () => {
      expect(() => assertForwardTarget(target)).not.toThrow();
    });
  }
});
