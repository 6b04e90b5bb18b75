import { charset, Fault } from '@taxlink/bank-sdk'
import { describe, expect, it } from 'vitest'
import { answer, answerText, debit, debitText, reply, request, requestIn } from './document-layouts.ts'

// What XML lets a sender do, and no bank may do to us. Each must be refused for what it is: soon, with its place, and without side effects.

const gbk = charset('gbk')
const xml = (text: string) => gbk.encode(text)
const name = (of: string) => debitText.replace(/<NSRMC>.*<\/NSRMC>/, `<NSRMC>${of}</NSRMC>`)
const declared = (prolog: string) => debitText.replace('<?xml version="1.0" encoding="GBK"?>', prolog)
const inBody = (extra: string) => debitText.replace('<BODY>', `<BODY>${extra}`)

const refusal = (bytes: Uint8Array | string): string => {
  try {
    const value = request.decode(typeof bytes === 'string' ? xml(bytes) : bytes)
    return `read ${JSON.stringify(value)}`
  } catch (error) {
    if (!(error instanceof Fault)) throw error
    expect(error.at.message).toBe('debit.request')
    expect(error.at.offset).toBeTypeOf('number')
    return error.fault
  }
}

describe('forbidden constructs', () => {
  it.each([
    ['a DOCTYPE', declared('<!DOCTYPE TAX>')],
    ['a DOCTYPE behind the declaration', declared('<?xml version="1.0" encoding="GBK"?><!DOCTYPE TAX SYSTEM "http://127.0.0.1/tax.dtd">')],
    ['a DOCTYPE with an internal subset', declared('<!DOCTYPE TAX [<!ELEMENT TAX ANY>]>')],
    ['an internal entity', name('&name;').replace('<TAX>', '<!DOCTYPE TAX [<!ENTITY name "张三">]><TAX>')],
    ['an external entity', name('&x;').replace('<TAX>', '<!DOCTYPE TAX [<!ENTITY x SYSTEM "file:///etc/passwd">]><TAX>')],
    ['a parameter entity', declared('<!DOCTYPE TAX [<!ENTITY % p SYSTEM "http://127.0.0.1/p"> %p;]>')],
    [
      'a billion laughs',
      name('&l9;').replace(
        '<TAX>',
        `<!DOCTYPE TAX [<!ENTITY l0 "lol">${Array.from({ length: 9 }, (_, i) => `<!ENTITY l${i + 1} "${`&l${i};`.repeat(10)}">`).join('')}]><TAX>`,
      ),
    ],
    ['an entity of HTML', name('张&nbsp;三')],
    ['an undeclared entity', name('&secret;')],
    ['an entity named after a method', name('&constructor;')],
    ['an entity named __proto__', name('&__proto__;')],
    ['a processing instruction', declared('<?xml version="1.0"?><?php echo 1 ?>')],
    ['a style sheet', declared('<?xml-stylesheet href="http://127.0.0.1/x.xsl"?>')],
    ['a processing instruction in a value', name('张<?x ?>三')],
    ['a comment in a value', name('张<!-- -->三')],
    ['a comment around a digit', debitText.replace('1234.56', '1<!-- -->234.56')],
    ['a comment alone in a value', name('<!-- 张三 -->')],
    ['CDATA beside text', name('张<![CDATA[三]]>')],
    ['text beside CDATA', name('<![CDATA[张]]>三')],
    ['two CDATA sections', name('<![CDATA[张]]><![CDATA[三]]>')],
    ['NUL as a reference', name('张&#0;三')],
    ['a control character as a reference', name('张&#x1F;三')],
    ['a line feed as a reference', name('张三&#10;')],
    ['DEL as a reference', name('张&#127;三')],
    ['half a surrogate pair as a reference', name('&#xD842;&#xDFB7;')],
    ['a noncharacter as a reference', name('&#xFFFE;')],
    ['a replacement character as a reference', name('&#xFFFD;')],
    ['beyond Unicode', name('&#x110000;')],
    ['XML 1.1', declared('<?xml version="1.1" encoding="GBK"?>')],
    ['XML 2.0 that is none', declared('<?xml version="1.9" encoding="GBK"?>')],
  ])('%s', (_, text) => expect(refusal(text)).toBe('forbidden'))

  it('do not change what the same bytes mean elsewhere: escaped, they are text', () => {
    const said = '<!DOCTYPE a>&#0;<?x?><!--'
    const value = { ...debit, taxpayerName: said }
    expect(request.decode(request.encode(value))).toEqual(value)
  })
})

describe('broken XML', () => {
  it.each([
    ['nothing', ''],
    ['blanks', ' \n '],
    ['text', '交易成功'],
    ['JSON', '{"type":"debit.request"}'],
    ['two roots', debitText + debitText.slice(debitText.indexOf('<TAX>'))],
    ['an empty second root', `${debitText}<TAX/>`],
    ['trailing text', `${debitText}OK`],
    ['a trailing NUL', `${debitText}\0`],
    ['leading text', debitText.replace('<TAX>', 'x<TAX>')],
    ['a blank before the declaration', ` ${debitText}`],
    ['a line end before the declaration', `\n${debitText}`],
    ['two declarations', declared('<?xml version="1.0"?><?xml version="1.0"?>')],
    ['a declaration without blank', declared('<?xml version="1.0"encoding="GBK"?>')],
    ['an unquoted declaration', declared('<?xml version=1.0?>')],
    ['a closing tag of another element', debitText.replace('</SPHM>', '</GZRQ>')],
    ['overlapping elements', debitText.replace('</SPHM><GZRQ>', '<GZRQ></SPHM>').replace('<GZRQ></SPHM>', '</BODY><GZRQ>')],
    ['an unclosed root', debitText.replace('</TAX>', '')],
    ['a nameless closing tag', debitText.replace('</SPHM>', '</>')],
    ['an unquoted attribute', debitText.replace('VER="1.2"', 'VER=1.2')],
    ['an attribute without value', debitText.replace('VER="1.2"', 'VER')],
    ['attributes without blank between', debitText.replace('VER="1.2" ', 'VER="1.2"')],
    ['an open quote', debitText.replace('LSH="00000017"', 'LSH="00000017')],
    ['a < in an attribute', debitText.replace('VER="1.2"', 'VER="<"')],
    ['a raw &', name('A&B')],
    ['a raw & before a blank', name('A & B')],
    ['an open reference', name('&#x41')],
    ['an empty reference', name('&;')],
    ['a reference without digits', name('&#;')],
    ['a reference in upper case', name('&#X41;')],
    ['a raw <', name('A< B')],
    [']]> in text', name('A]]>B')],
    ['an open CDATA section', name('<![CDATA[张三')],
    ['a misspelt CDATA section', name('<![cdata[张三]]>')],
    ['an open comment', debitText.replace('<BODY>', '<!-- <BODY>')],
    ['-- in a comment', inBody('<!-- a -- b -->')],
    ['an open DOCTYPE', declared('<!DOCTYPE TAX [')],
    ['NUL in text', name('张\0三')],
    ['NUL between elements', inBody('\0')],
    ['ESC in text', name('\u001b[31m张三')],
    ['a vertical tab', name('张\v三')],
    ['a form feed between elements', inBody('\f')],
    ['a name that begins with a digit', inBody('<1A/>')],
    ['a blank before a name', inBody('< A/>')],
  ])('%s', (_, text) => expect(refusal(text)).toBe('malformed'))
})

describe('what no row names', () => {
  it.each([
    ['an unknown element', inBody('<X/>')],
    ['an element in another case', debitText.replaceAll('SPHM', 'sphm')],
    ['an unknown attribute', debitText.replace('<TAX>', '<TAX a="1">')],
    ['a default namespace', debitText.replace('<TAX>', '<TAX xmlns="urn:tax">')],
    ['a prefix', debitText.replaceAll('TAX>', 't:TAX>').replace('<t:TAX>', '<t:TAX xmlns:t="urn:tax">')],
    ['a prefixed twin of a field', inBody('<x:JE xmlns:x="urn:x">0.01</x:JE>')],
    ['xml:space', debitText.replace('<NSRMC>', '<NSRMC xml:space="preserve">')],
    ['XInclude', inBody('<xi:include xmlns:xi="http://www.w3.org/2001/XInclude" href="file:///etc/passwd"/>')],
    ['__proto__', inBody('<__proto__><polluted>1</polluted></__proto__>')],
    ['__proto__ as an attribute', debitText.replace('<TAX>', '<TAX __proto__="1">')],
    ['constructor', inBody('<constructor><prototype><polluted>1</polluted></prototype></constructor>')],
    ['toString', inBody('<toString>1</toString>')],
    ['hasOwnProperty', inBody('<hasOwnProperty>1</hasOwnProperty>')],
    ['$ and _ of xml2js', inBody('<_>1</_>')],
    ['text between elements', inBody('NotCare')],
    ['a full-width blank between elements', inBody('\u3000')],
    ['CDATA between elements', inBody('<![CDATA[ ]]>')],
    ['an element in a value', name('张<B>三</B>')],
    ['another root', debitText.replaceAll('TAX>', 'tax>')],
    [
      'a field at another level',
      debitText.replace('<SPHM>343010926000000017</SPHM>', '').replace('</BODY>', '</BODY><SPHM>343010926000000017</SPHM>'),
    ],
  ])('%s', (_, text) => {
    expect(refusal(text)).toBe('unexpected')
    expect(Object.keys(Object.prototype)).toEqual([])
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined()
  })

  it.each([
    ['an element', debitText.replace('<JE>', '<JE>0.01</JE><JE>')],
    ['the same element with the same value', debitText.replace('<JE>', '<JE>1234.56</JE><JE>')],
    ['an empty one', debitText.replace('<JE>', '<JE/><JE>')],
    ['a parent', debitText.replace('</TAX>', '<BODY/></TAX>')],
    ['an attribute', debitText.replace('LSH=', 'LSH="1" LSH=')],
    ['an element of a list’s element', debitText.replace('<SE>0.06</SE>', '<SE>0.06</SE><SE>0.06</SE>')],
    ['the list', debitText.replace('<MXS>', '<MXS/><MXS>')],
  ])('%s twice', (_, text) => expect(refusal(text)).toBe('duplicate'))

  it('does not mix up one and many elements of a list', () => {
    const [first] = debit.items
    const single = { ...debit, items: [first!], amount: first!.amount }
    expect(request.decode(request.encode(single))).toEqual(single)
  })
})

describe('sizes', () => {
  const body = (inner: string) => Buffer.from(`<TAX><BODY>${inner}`)
  it.each([
    ['depth 10^6', Buffer.from('<TAX>'.repeat(1_000_000))],
    ['10^6 siblings', body('<SPHM/>'.repeat(1_000_000))],
    ['10^5 attributes', Buffer.from(`<TAX ${Array.from({ length: 100_000 }, (_, i) => `a${i}="1"`).join(' ')}/>`)],
    ['20 MB of text', body(`<SPHM>${'9'.repeat(20_000_000)}</SPHM>`)],
    ['20 MB of blanks', Buffer.alloc(20_000_000, ' ')],
    ['20 MB of comment', body(`<!--${'x'.repeat(20_000_000)}-->`)],
    ['20 MB behind the root', Buffer.concat([xml(debitText), Buffer.alloc(20_000_000, '\n')])],
    ['a byte too many', Buffer.concat([xml(debitText), Buffer.alloc(262_145 - xml(debitText).length, '\n')])],
    ['2,000 comments', Buffer.from(`<TAX>${'<!---->'.repeat(2_001)}`)],
    ['21 elements of a list', xml(debitText.replace(/<MXS>(<MX.*?<\/MX>).*<\/MXS>/, (_, one: string) => `<MXS>${one.repeat(21)}</MXS>`))],
  ])('%s', (_, bytes) => expect(refusal(bytes)).toBe('over-limit'))

  it.each([
    ['depth as deep as the bytes allow', Buffer.from('<TAX>'.repeat(52_000)), 'unexpected'],
    ['siblings as many as the bytes allow', body('<SPHM/>'.repeat(37_000)), 'duplicate'],
    [
      'attributes as many as the bytes allow',
      Buffer.from(`<TAX ${Array.from({ length: 20_000 }, (_, i) => `a${i}="1"`).join(' ')}/>`),
      'unexpected',
    ],
    ['a name as long as the bytes allow', Buffer.from(`<${'A'.repeat(262_000)}>`), 'unexpected'],
    ['a value as long as the bytes allow', xml(name('9'.repeat(255_000))), 'too-long'],
    ['an entity as long as the bytes allow', xml(name(`&${'a'.repeat(255_000)};`)), 'forbidden'],
    ['references as many as the bytes allow', xml(name('&#57;'.repeat(50_000))), 'too-long'],
    ['brackets as many as the bytes allow', xml(name(']'.repeat(255_000))), 'too-long'],
    ['an open reference as long as the bytes allow', xml(name(`&#${'1'.repeat(255_000)}`)), 'malformed'],
  ])('%s', (_, bytes, fault) => expect(refusal(bytes)).toBe(fault))

  it('takes as many bytes as the limit, and no more', () => {
    const fits = Buffer.concat([xml(debitText), Buffer.alloc(262_144 - xml(debitText).length, '\n')])
    expect(request.decode(fits)).toEqual(debit)
  })
})

describe('charsets', () => {
  it.each([
    ['GBK under a declaration of UTF-8', xml(debitText.replace('"GBK"', '"UTF-8"')), 'wrong-constant'],
    ['GBK under a declaration of UTF-16', xml(debitText.replace('"GBK"', '"UTF-16"')), 'wrong-constant'],
    ['GBK under a declaration of UTF-7', xml(debitText.replace('"GBK"', '"UTF-7"')), 'wrong-constant'],
    ['GBK under a declaration of ISO-8859-1', xml(debitText.replace('"GBK"', '"ISO-8859-1"')), 'wrong-constant'],
    ['UTF-8 under a declaration of GBK', Buffer.from(debitText), 'invalid-bytes'],
    ['UTF-8 that is valid GBK under a declaration of GBK', Buffer.from(name('涓枃浜嬪姟')), 'invalid-bytes'],
    [
      'a few characters of UTF-8 among GBK',
      Buffer.from(debitText.replace(/[^\0-\x7f]/g, '').replace('<NSRMC>', '<NSRMC>中文')),
      'invalid-bytes',
    ],
    ['UTF-8 under a declaration of UTF-8', Buffer.from(debitText.replace('"GBK"', '"UTF-8"')), 'invalid-bytes'],
    ['a byte order mark of UTF-8', Buffer.concat([Buffer.from('\ufeff'), xml(debitText)]), 'malformed'],
    ['a byte order mark of GB18030', Buffer.concat([Buffer.from('84319533', 'hex'), xml(debitText)]), 'malformed'],
    ['UTF-16LE with a mark', Buffer.from(`\ufeff${debitText}`, 'utf16le'), 'malformed'],
    ['UTF-16BE with a mark', Buffer.from(`\ufeff${debitText}`, 'utf16le').swap16(), 'malformed'],
    ['UTF-16LE without a mark', Buffer.from(debitText.replace(/[^\0-\x7f]/g, ''), 'utf16le'), 'malformed'],
    ['UTF-16BE without a mark', Buffer.from(debitText.replace(/[^\0-\x7f]/g, ''), 'utf16le').swap16(), 'malformed'],
    ['UTF-32 without a mark', Buffer.from('<TAX/>'.replaceAll(/./g, '$&\0\0\0')), 'malformed'],
    ['EBCDIC', Buffer.from('4c6fa7949340a58599a2899695', 'hex'), 'invalid-bytes'],
    ['half a character', Buffer.concat([xml(name('张三').split('三')[0]!).subarray(0, -1), Buffer.from('</NSRMC>')]), 'invalid-bytes'],
    [
      'a single 80',
      Buffer.from(xml(name('张三'))).fill(0x80, debitText.indexOf('<NSRMC>') + 7, debitText.indexOf('<NSRMC>') + 8),
      'invalid-bytes',
    ],
    ['four-byte codes of GB18030', charset('gb18030').encode(name('㛃')), 'invalid-bytes'],
  ])('%s', (_, bytes, fault) => expect(refusal(bytes)).toBe(fault))

  it('UTF-7 stays the ASCII that it is', () => {
    const value = request.decode(xml(name('+Zeg-').replace('贸易部', ''))) as { taxpayerName: string }
    expect(value.taxpayerName).toBe('+Zeg-')
    expect(refusal(name('+ADw-SPHM+AD4-').replace('<SPHM>343010926000000017</SPHM>', '+ADw-SPHM+AD4-'))).toBe('unexpected')
  })
  it('under an agreed UTF-8, GBK is refused whatever it declares', () => {
    const utf8 = requestIn('utf-8')
    for (const label of ['GBK', 'UTF-8']) {
      const bytes = xml(debitText.replace('"GBK"', `"${label}"`))
      expect(() => utf8.decode(bytes)).toThrow(expect.objectContaining({ fault: 'invalid-bytes' }))
    }
  })
  it('trail bytes that look like markup stay text', () => {
    const value = { ...debit, taxpayerName: '倈|億\\瑋@亅~犜' }
    expect(request.decode(request.encode(value))).toEqual(value)
  })
})

describe('numbers', () => {
  const amount = (of: string) => {
    try {
      return reply.decode(xml(answerText.replace('>1234.56<', `>${of}<`))).amount
    } catch (error) {
      return (error as Fault).fault
    }
  }
  it.each([
    '1.1',
    '1.100',
    '1e3',
    '0x10',
    '-0',
    '-1.00',
    '+1.00',
    '1,000.00',
    '１.００',
    '1.005',
    '01.00',
    '00.00',
    '.50',
    '1.',
    '1',
    'NaN',
    'Infinity',
    '1.0O',
  ])('%s', of => expect(amount(of)).toBe('not-a-number'))
  it.each(['1 000.00', '1.00\n2.00', '99999999999999.99', '9007199254740993.00', '1\u30002.00'])('%s', of =>
    expect(amount(of)).toBe('not-a-number'),
  )
  it('reads the largest and the least exactly', () => {
    expect(amount('9999999999999.99')).toBe(999_999_999_999_999)
    expect(amount('0.00')).toBe(0)
    expect(amount('0.29')).toBe(29)
    expect(amount('')).toBe('missing')
    expect(amount(' ')).toBe('missing')
    expect(answer.amount).toBe(123_456)
  })
})
