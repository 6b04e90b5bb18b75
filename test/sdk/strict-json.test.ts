import { Fault } from '@taxlink/bank-sdk'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseJson, parseJsonText } from '../../sdk/strict-json.ts'

const read = (text: string) => parseJson(Buffer.from(text))
const refusal = (text: string | Uint8Array, limits?: { bytes?: number; depth?: number; nodes?: number }): string => {
  try {
    return `read ${JSON.stringify(parseJson(typeof text === 'string' ? Buffer.from(text) : text, limits))}`
  } catch (error) {
    if (!(error instanceof Fault)) throw error
    return `${error.fault}${error.at.field ? ` ${error.at.field}` : ''} @${error.at.offset}`
  }
}

describe('what it reads', () => {
  it('is what JSON.parse reads', () => {
    for (const text of [
      'null',
      ' true\n',
      'false',
      '0',
      '-1',
      '9007199254740991',
      '-9007199254740991',
      '""',
      '"a"',
      '"\\"\\\\\\/\\b\\f\\n\\r\\t\\u0041\\u00e9\\ud842\\udfb7"',
      '"张三𠮷\u007f\u2028"',
      '[]',
      '[ ]',
      '{}',
      '{ }',
      '[1,[2,[3,{"a":[]}]],null]',
      '{"a":1,"b":{"c":"d"},"":0}',
      '{"constructor":1,"toString":2,"hasOwnProperty":3}',
      '{"1":1,"0":0}',
      '\t{\r\n"a" : [ 1 , 2 ] }\t',
    ]) {
      expect(read(text), text).toEqual(JSON.parse(text))
      expect(parseJsonText(text), text).toEqual(JSON.parse(text))
    }
  })

  const value = fc.letrec(tie => ({
    any: fc.oneof(
      { depthSize: 'medium', withCrossShrink: true },
      fc.constantFrom(null, true, false),
      fc.maxSafeInteger().map(n => (n === 0 ? 0 : n)),
      fc.string({ unit: 'binary', maxLength: 12 }).filter(s => s.isWellFormed() && !s.includes('\ufeff')),
      fc.array(tie('any'), { maxLength: 5 }),
      fc.dictionary(
        fc.string({ maxLength: 6 }).filter(name => name !== '__proto__'),
        tie('any'),
        { maxKeys: 5, noNullPrototype: true },
      ),
    ),
  })).any

  it('is any value without fractions, however it is spaced and escaped', () => {
    fc.assert(
      fc.property(value, fc.constantFrom(0, 1, 3), fc.boolean(), (of, indent, escaped) => {
        const plain = JSON.stringify(of, null, indent)
        const text = escaped ? plain.replace(/[\u007f-\uffff]/g, unit => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`) : plain
        try {
          expect(read(text)).toEqual(JSON.parse(text))
        } catch (error) {
          // private use and the like: not in the charset at all
          if (!(error instanceof Fault)) throw error
          expect(['invalid-bytes', 'over-limit']).toContain(error.fault)
        }
      }),
      { numRuns: 1_000 },
    )
  })

  it('is never more than JSON.parse reads, and never anything else', () => {
    const pieces = fc.constantFrom(
      ...[
        '{',
        '}',
        '[',
        ']',
        ':',
        ',',
        '"',
        '"a"',
        '"b":',
        '1',
        '0',
        '-',
        '.',
        'e',
        '\\',
        '\\u',
        'd83d',
        'true',
        'null',
        ' ',
        '\n',
        '\t',
        '/',
        '\u0001',
        '张',
        'NaN',
      ],
    )
    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 12 }), parts => {
        const text = parts.join('')
        let ours: unknown
        try {
          ours = read(text)
        } catch (error) {
          expect(error).toBeInstanceOf(Fault)
          return
        }
        expect(ours).toEqual(JSON.parse(text))
      }),
      { numRuns: 5_000 },
    )
  })

  it('tells where each value stands', () => {
    const text = '{"a": [10, {"b": "x"}], "张三": 1}'
    const seen: string[] = []
    parseJsonText(text, {}, (pointer, start, end) => seen.push(`${pointer}=${text.slice(start, end)}`))
    expect(seen).toEqual(['a/0=10', 'a/1/b="x"', 'a/1={"b": "x"}', 'a=[10, {"b": "x"}]', '?=1', `=${text}`])
  })
})

describe('what it refuses', () => {
  it.each([
    ['nothing', '', 'malformed @0'],
    ['blanks', '  ', 'malformed @2'],
    ['two values', '1 2', 'malformed @2'],
    ['something behind', '{}x', 'malformed @2'],
    ['a NUL behind', '{}\0', 'malformed @2'],
    ['a comma too many', '[1,]', 'malformed 1 @3'],
    ['a comma too many in an object', '{"a":1,}', 'malformed a @7'],
    ['a comma too few', '[1 2]', 'malformed 0 @3'],
    ['a leading comma', '[,1]', 'malformed 0 @1'],
    ['a colon too few', '{"a" 1}', 'malformed a @5'],
    ['a name without quotes', '{a:1}', 'malformed @1'],
    ['a name in single quotes', "{'a':1}", 'malformed @1'],
    ['an open object', '{"a":1', 'malformed a @6'],
    ['an open array', '[1', 'malformed 0 @2'],
    ['an open text', '"a', 'malformed @2'],
    ['an open escape', '"a\\', 'malformed @2'],
    ['a wrong bracket', '[1}', 'malformed 0 @2'],
    ['another escape', '"\\x41"', 'malformed @1'],
    ['an escape of a digit too few', '"\\u041"', 'malformed @1'],
    ['an escape with a sign', '"\\u+041"', 'malformed @1'],
    ['a raw line feed', '"a\nb"', 'malformed @2'],
    ['a raw NUL', '"\0"', 'malformed @1'],
    ['a comment', '{/* */}', 'malformed @1'],
    ['a line comment', '1 // x', 'malformed @2'],
    ['True', 'True', 'malformed @0'],
    ['tru', 'tru', 'malformed @0'],
    ['nul1', 'nul1', 'malformed @0'],
    ['undefined', '[undefined]', 'malformed 0 @1'],
    ['NaN', 'NaN', 'malformed @0'],
    ['Infinity', '[Infinity]', 'malformed 0 @1'],
    ['a plus sign', '+1', 'malformed @0'],
    ['a leading point', '.5', 'malformed @0'],
    ['a full-width digit', '１', 'malformed @0'],
    ['a full-width blank', '\u30001', 'malformed @0'],
    ['a no-break space', '\u00a01', 'malformed @0'],
    ['a form feed', '\f1', 'malformed @0'],
    ['a lone surrogate', '"\\ud842"', 'malformed @1'],
    ['a second half alone', '"\\udfb7"', 'malformed @1'],
    ['halves in the wrong order', '"\\udfb7\\ud842"', 'malformed @1'],
    ['a lone surrogate in a name', '{"\\ud842":1}', 'malformed @2'],
    ['a fraction', '{"amount":1.0}', 'not-a-number amount @10'],
    ['an exponent', '[1e3]', 'not-a-number 0 @1'],
    ['an exponent in upper case', '1E3', 'not-a-number @0'],
    ['minus zero', '-0', 'not-a-number @0'],
    ['a lone minus', '-', 'not-a-number @0'],
    ['a leading zero', '01', 'not-a-number @0'],
    ['hexadecimal', '0x10', 'malformed @1'],
    ['2^53', '9007199254740992', 'not-a-number @0'],
    ['-2^53', '-9007199254740992', 'not-a-number @0'],
    ['2^53 + 1', '9007199254740993', 'not-a-number @0'],
    ['23 digits', '12345678901234567890123', 'not-a-number @0'],
    ['a million digits', '1'.repeat(100_000), 'not-a-number @0'],
    ['a name twice', '{"a":1,"a":1}', 'duplicate a @7'],
    ['a name twice, once escaped', '{"a":1,"\\u0061":2}', 'duplicate a @7'],
    ['a name twice within', '[{"x":{"a":1,"b":2,"a":3}}]', 'duplicate 0/x/a @19'],
    ['__proto__', '{"__proto__":{"polluted":1}}', 'unexpected __proto__ @1'],
    ['__proto__, escaped', '{"a":{"\\u005f_proto__":1}}', 'unexpected a/__proto__ @6'],
    ['bytes behind Chinese text', '["张三",01]', 'not-a-number 1 @10'],
  ])('%s', (_, text, fault) => {
    expect(refusal(text)).toBe(fault)
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined()
  })

  it.each([
    ['a byte order mark', 'efbbbf7b7d'],
    ['a byte order mark within', '22efbbbf22'],
    ['GBK', '22d5c5c8fd22'],
    ['an overlong form', '22c08022'],
    ['a surrogate in UTF-8', '22eda18022'],
    ['beyond Unicode', '22f490808022'],
    ['a cut character', '22e5bc'],
    ['UTF-16LE', 'fffe7b007d00'],
  ])('%s: not UTF-8 as agreed', (_, hex) => expect(refusal(Buffer.from(hex, 'hex'))).toMatch(/^(invalid-bytes|malformed) @\d+$/))

  it('a lone surrogate and a byte order mark of a text', () => {
    expect(() => parseJsonText('"\ud842"')).toThrow(expect.objectContaining({ fault: 'malformed', at: { offset: 1 } }))
    expect(() => parseJsonText('\ufeff{}')).toThrow(expect.objectContaining({ fault: 'malformed' }))
  })

  it('shows no name and no value that might be private', () => {
    for (const text of [
      '{"6222021901000000017":01}',
      '{"a":"6222021901000000017\n"}',
      '{"6222021901000000017":1,"6222021901000000017":1}',
    ]) {
      expect(() => parseJson(Buffer.from(text))).toThrow(expect.objectContaining({ message: expect.not.stringContaining('622202') }))
    }
  })

  it('what is too deep, too large or too much', () => {
    expect(refusal('['.repeat(16) + ']'.repeat(16))).toMatch(/^read /)
    expect(refusal('['.repeat(17) + ']'.repeat(17))).toMatch(/^over-limit .* @16$/)
    expect(refusal('{"a":'.repeat(17))).toMatch(/^over-limit .* @80$/)
    expect(refusal('['.repeat(250_000))).toMatch(/^over-limit/)
    expect(refusal(Buffer.alloc(20_000_000, '['))).toBe('over-limit @262144')
    expect(refusal(`[${'0,'.repeat(1_998)}0]`)).toMatch(/^read /)
    expect(refusal(`[${'0,'.repeat(1_999)}0]`)).toMatch(/^over-limit/)
    expect(refusal('[1,2,3]', { nodes: 3 })).toBe('over-limit 2 @5')
    expect(refusal('[[1]]', { depth: 1 })).toBe('over-limit 0 @1')
    expect(refusal('"12345"', { bytes: 6 })).toBe('over-limit @6')
    expect(refusal('"12345"', { bytes: 7 })).toMatch(/^read /)
    expect(() => parseJsonText('"12345"', { bytes: 6 })).toThrow(expect.objectContaining({ fault: 'over-limit' }))
  })
})
