import { readdirSync, readFileSync } from 'node:fs'
import {
  type AnyVerb,
  type Bank,
  type Cell,
  type HeaderOf,
  type Kind,
  type LayoutRow,
  type Line,
  type LineOf,
  maxFen,
  type Outcome,
  outcomes,
  pushes,
  type UnifiedCode,
  verbs,
} from '@taxlink/bank-sdk'
import { titles } from '../titles.ts'
import { type AnyCodec, mostOf, type Subject, subjects, type Values, written } from './subjects.ts'

// The page of a bank, as its own interface document would have it: the same tables, made from the declaration, so that they cannot differ.

const layouts = { record: '定长记录', delimited: '分隔符记录', document: 'XML 文档', json: 'JSON 对象' }
const classes = { succeeded: '成功', refused: '拒绝(本次确定未动账)', unknown: '不明(须查询)', 'in-progress': '处理中' }

const table = (head: readonly string[], rows: readonly (readonly string[])[]): string => {
  const line = (cells: readonly string[]) => `| ${cells.map(cell => cell.replaceAll('|', '\\|')).join(' | ')} |`
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n')
}

const lineOf = (bank: Bank, line: Line, among: readonly AnyVerb[]): string => {
  return line.kind === 'tcp'
    ? `TCP 长连接。每个报文前有 ${line.digits} 位 ASCII 长度,${line.align === 'right' ? '右' : '左'}对齐,补“${line.pad}”,` +
        `${line.countsItself ? '含' : '不含'}自身${line.leader.length ? `,其前有 ${line.leader.length} 字节引导符` : ''};报文不超过 ${line.maxBytes} 字节。`
    : `HTTP POST${among.every(verb => bank[verb]?.path) ? ',各业务的路径见下' : ` \`${line.path}\``},内容类型 \`${line.contentType}\`;报文不超过 ${line.maxBytes} 字节。`
}

/** A sample of a message: its value, which no page needs to repeat, and its message section. */
const sampleOf = (at: URL, id: string, slug: string): { readonly value: Values; readonly message: string } => {
  const names = readdirSync(at).sort()
  const name = names.find(n => n === `${id}.${slug}.sample`) ?? names.find(n => n.startsWith(`${id}.`))
  const file = readFileSync(new URL(name ?? '', at), 'utf8')
  const section = (from: string) => (file.split(`\n== ${from}\n`)[1] ?? '').split('\n\n== ')[0]!
  return { value: JSON.parse(section('value')) as Values, message: section('message') }
}

/** The sample of a detail file: what it says, and its text. */
const fileSampleOf = (at: URL) => {
  const file = readFileSync(new URL('detail.file.ordinary.sample', at), 'utf8')
  const section = (from: string) => (file.split(`\n== ${from}\n`)[1] ?? '').split('\n\n== ')[0]!
  const value = JSON.parse(section('value')) as { readonly header: HeaderOf<'detail'>; readonly lines: readonly LineOf<'detail'>[] }
  return { value, text: section('file') }
}

/** The bank's words of a field and ours: `1 computer, 2 phone`. */
const wordsOf = (codec: AnyCodec, value: Values, row: LayoutRow, ours: readonly string[]): string => {
  const pairs = ours.map(word => {
    const bytes = written(codec, { ...value, [row.field]: word })
    if (!bytes) return `(无) ${word}`
    const text = Buffer.from(bytes).toString('latin1')
    const tag = row.place.slice(row.place.lastIndexOf('/') + 1)
    const theirs =
      codec.layout === 'record'
        ? text.slice(Number(row.place), Number(row.place) + (row.width ?? 0))
        : codec.layout === 'delimited'
          ? text.split('|')[Number(row.place) - 1]
          : text.split(`<${tag}>`)[1]?.split('<')[0]
    return `${theirs} = ${word}`
  })
  return pairs.join(',')
}

const notes: { readonly [form: string]: string } = {
  text: '左对齐,右补空格',
  number: '右对齐,左补 0',
  yuan: '单位元,两位小数,无千分位',
  date: 'yyyyMMdd',
  codes: '见返回码表',
  integer: '整数',
  object: '见下列各行',
}

const limitOf = (kind: Kind<unknown> | undefined): string => {
  const { minLength, maxLength, format } = (kind?.schema ?? {}) as {
    readonly minLength?: number
    readonly maxLength?: number
    readonly format?: string
  }
  if (maxLength === undefined || format === 'date') return ''
  return minLength === maxLength ? `${maxLength}` : `≤${maxLength}`
}

const explanation = (codec: AnyCodec, value: Values, row: LayoutRow, kind: Kind<unknown> | undefined): string => {
  const ours = kind?.schema.enum as readonly string[] | undefined
  if (row.form.startsWith('constant')) return `固定为 \`${row.form.slice('constant '.length) || row.field}\``
  if (row.form === 'count' && codec.layout === 'delimited') return `个数,至多 ${mostOf(codec, value, row.field)} 个,明细紧随其后`
  if (row.form === 'count') return `个数,右对齐,左补 0;至多 ${mostOf(codec, value, row.field)} 个,明细紧随其后`
  if (kind?.fields) return `至多 ${mostOf(codec, value, row.field)} 个`
  if (ours) return codec.layout === 'json' ? ours.join(',') : wordsOf(codec, value, row, ours)
  if (row.form === 'date' && codec.layout === 'json') return 'yyyy-MM-dd'
  if (row.form === 'text' && codec.layout !== 'record') return ''
  if (row.form === 'number' && codec.layout === 'delimited') return '整数,不补位'
  const unit = kind?.schema.maximum === maxFen && row.form !== 'yuan' ? ',单位分' : ''
  return `${notes[row.form] ?? ''}${unit}`
}

const kinds: { readonly [form: string]: string } = {
  text: '字符',
  string: '字符',
  number: '数字',
  integer: '数字',
  yuan: '金额',
  date: '日期',
  codes: '代码',
  words: '代码',
  count: '数字',
  blank: '备用',
  constant: '固定',
  object: '对象',
  elements: '循环',
  array: '循环',
}

const rowsOf = (codec: AnyCodec, value: Values): string[][] => {
  const { fields } = codec.message
  const group = Object.values(fields).find(kind => kind.fields)?.fields
  return codec.describe().map((row, i) => {
    const inItem = row.depth > 0 && !row.place.startsWith('result')
    const kind = inItem ? group?.[row.field] : fields[row.field]
    const end = row.width === undefined || codec.layout !== 'record' ? '' : `–${Number(row.place) + row.width - 1}`
    const constant = row.form.startsWith('constant')
    return [
      String(i + 1),
      `${row.depth ? '└ ' : ''}${constant || row.field === '' ? '' : `\`${row.field}\``}`,
      row.zh,
      codec.layout === 'record' ? `${row.place}${end}` : `\`${row.place}\``,
      codec.layout === 'record' ? String(row.width ?? '') : limitOf(kind),
      kinds[row.form.split(' ')[0]!] ?? row.form,
      row.required ? '是' : '否',
      explanation(codec, value, row, kind),
    ]
  })
}

const omittedOf = (codec: AnyCodec, side: '请求' | '应答'): string => {
  const there = new Set(codec.describe().map(row => row.field))
  const names = Object.keys(codec.message.fields).filter(name => !there.has(name))
  return names.length === 0
    ? ''
    : `\n\n本行报文不${side === '请求' ? '接收' : '返回'}:${names.map(name => `\`${name}\` ${codec.message.fields[name]!.zh}`).join('、')}。`
}

const messagePart = (samples: URL, side: '请求' | '应答', codec: AnyCodec, preferred: string): string => {
  const { id, zh } = codec.message
  const { value, message } = sampleOf(samples, id, preferred)
  const repeats = codec.describe().some(row => row.form === 'count')
  const size = codec.width === undefined ? '' : `,${repeats ? '报文头' : '全长'} ${codec.width} 字节`
  const head = ['序号', '字段', '名称', codec.layout === 'record' ? '位置(从 0 起)' : '位置', '长度', '类型', '必填', '说明']
  return [
    `### ${side} ${zh} \`${id}\``,
    `${layouts[codec.layout]},字符集 ${codec.charset.toUpperCase()}${size}。`,
    table(head, rowsOf(codec, value)) + omittedOf(codec, side),
    `样例(各行相连,行间无换行符):`,
    `\`\`\`${codec.layout === 'document' ? 'xml' : 'text'}\n${message}\n\`\`\``,
  ].join('\n\n')
}

const codeTable = (codes: Cell<Outcome>): string => {
  const own = (codes.table ?? Object.fromEntries(Object.keys(outcomes).map(code => [code, code]))) as { [code: string]: UnifiedCode }
  const rows = Object.entries(own)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([code, meaning]) => [`\`${code}\``, meaning, classes[outcomes[meaning].class], outcomes[meaning].zh, outcomes[meaning].nextZh])
  return table(['返回码', '统一结果码', '类别', '含义', '处理'], rows)
}

const exchangePart = (bank: Bank, samples: URL, verb: AnyVerb): string[] => {
  const exchange = bank[verb]
  if (!exchange) return [`## ${titles[verb]} \`${verb}\``, '本行未提供。']
  return [
    `## ${titles[verb]} \`${verb}\`${exchange.path ? ` — POST \`${exchange.path}\`` : ''}`,
    messagePart(samples, '请求', exchange.request, 'one-item'),
    messagePart(samples, '应答', exchange.reply, 'succeeded'),
  ]
}

const ends = { crlf: '回车换行(CR LF)', lf: '换行(LF)' }

/** The detail file: its name, its lines of three kinds, a whole one. */
const filePart = (bank: Bank, samples: URL): string[] => {
  const file = bank.files?.detail
  if (!file) return []
  const { value, text } = fileSampleOf(samples)
  const part = (title: string, codec: AnyCodec, of: Values): string[] => [
    `### ${title} ${codec.message.zh} \`${codec.message.id}\``,
    `${layouts[codec.layout]},字符集 ${codec.charset.toUpperCase()}${codec.width === undefined ? '' : `,全长 ${codec.width} 字节(不含行尾)`}。`,
    table(
      ['序号', '字段', '名称', codec.layout === 'record' ? '位置(从 0 起)' : '位置', '长度', '类型', '必填', '说明'],
      rowsOf(codec, of),
    ) + omittedOf(codec, '应答'),
  ]
  return [
    '# 文件',
    `## 对账明细文件 \`detail\``,
    `文件名 \`${file.called}\`,本例为 \`${file.nameOf(value.header)}\`。每行以${ends[file.lineEnd]}结束,最后一行也不例外;首行为文件头,末行为文件尾,其间每笔记账一行,没有记账也须报送。笔数与金额合计须与文件头、文件尾逐分一致;有一处不符,整份不收,并告知行号与字节位置。`,
    ...part('首行', file.header as AnyCodec, value.header),
    ...part('明细行', file.line as AnyCodec, value.lines.find(line => line.items) ?? value.lines[0]!),
    ...part('末行', file.trailer as AnyCodec, { count: 1, debitSum: 1, creditSum: 1 }),
    '样例(⏎ 为行尾):',
    `\`\`\`text\n${text}\n\`\`\``,
  ]
}

const page = ({ folder, bank, codes, samples }: Subject): string =>
  [
    `# ${bank.name} ${bank.code}`,
    `> 本页由 \`adapters/${folder}/\` 的声明生成(\`node docs/generate.ts\`),请勿手改。Generated from the declaration; do not edit.`,
    `依据:${bank.document}`,
    `线路:${lineOf(bank, bank.line, verbs)}`,
    ...verbs.flatMap(verb => exchangePart(bank, samples, verb)),
    ...(bank.push
      ? ['# 银行发往网关', `线路:${lineOf(bank, bank.push, pushes)}`, ...pushes.flatMap(push => exchangePart(bank, samples, push))]
      : []),
    ...filePart(bank, samples),
    '## 返回码',
    `列表以外的返回码一律按 \`99090\` 结果不明处理:系统查询银行,绝不重发,也绝不视为失败。`,
    codeTable(codes),
    '',
  ].join('\n\n')

/** The pages of the banks in this province. */
export const bankPages = subjects.map(subject => ({
  path: `docs/banks/${subject.folder}.md`,
  content: () => `${page(subject).trimEnd()}\n`,
}))
