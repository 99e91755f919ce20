// Charts as a PNG: their SVG with the colours they have on the page, drawn onto a canvas under a title.
import { saveFile } from './save-file'

const SCALE = 2
const TITLE_PX = 44
const LEGEND_PX = 30
const ATTRIBUTES = ['fill', 'stroke', 'stroke-width', 'stroke-dasharray', 'font-size', 'font-family', 'opacity', 'fill-opacity']
const LEGEND_ITEM = '[class*="-legendItem"]:not([class*="-legendItemColor"]):not([class*="-legendItemName"])'

/** All charts within an element, one below the other, saved under a name. False when there is none. */
export async function savePicture(within: HTMLElement, title: string, name: string): Promise<boolean> {
  const charts = [...within.querySelectorAll<SVGSVGElement>('.recharts-wrapper > svg')]
  if (charts.length === 0) return false
  const sizes = charts.map((chart) => chart.getBoundingClientRect())
  const width = Math.max(...sizes.map((size) => size.width))
  const height = TITLE_PX + sizes.reduce((sum, size) => sum + size.height + LEGEND_PX, 0)
  const canvas = document.createElement('canvas')
  canvas.width = width * SCALE
  canvas.height = height * SCALE
  const pen = canvas.getContext('2d')
  if (!pen) return false
  const style = getComputedStyle(within)
  pen.scale(SCALE, SCALE)
  pen.fillStyle = style.backgroundColor
  pen.fillRect(0, 0, width, height)
  pen.fillStyle = style.color
  pen.font = `600 15px ${style.fontFamily}`
  pen.fillText(title, 12, 28, width - 24)
  let y = TITLE_PX
  for (const [index, chart] of charts.entries()) {
    const size = sizes[index]!
    drawLegend(pen, chart.parentElement!, style, y)
    const image = new Image()
    image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(standing(chart, size.width, size.height))}`
    await image.decode()
    pen.drawImage(image, 0, y + LEGEND_PX, size.width, size.height)
    y += size.height + LEGEND_PX
  }
  const content = await new Promise<Blob | null>((resolve) => canvas.toBlob(resolve, 'image/png'))
  if (content) saveFile(name, content)
  return content !== null
}

function drawLegend(pen: CanvasRenderingContext2D, chart: HTMLElement, style: CSSStyleDeclaration, y: number): void {
  let x = 12
  pen.font = `13px ${style.fontFamily}`
  for (const item of chart.querySelectorAll<HTMLElement>(LEGEND_ITEM)) {
    const text = item.textContent?.trim() ?? ''
    pen.fillStyle = colorIn(item) ?? style.color
    pen.fillRect(x, y + 6, 10, 10)
    pen.fillStyle = style.color
    pen.fillText(text, x + 15, y + 15)
    x += 15 + pen.measureText(text).width + 18
  }
}

/** The first colour that something within an element is filled with. */
const colorIn = (item: HTMLElement): string | undefined =>
  [...item.querySelectorAll('*')]
    .map((part) => getComputedStyle(part).backgroundColor)
    .find((color) => color !== 'transparent' && color !== 'rgba(0, 0, 0, 0)')

/** The SVG on its own: what stylesheets gave it is written into its attributes. */
function standing(chart: SVGSVGElement, width: number, height: number): string {
  const copy = chart.cloneNode(true) as SVGSVGElement
  const [from, to] = [chart.querySelectorAll('*'), copy.querySelectorAll('*')]
  from.forEach((node, index) => {
    const style = getComputedStyle(node)
    for (const name of ATTRIBUTES) to[index]!.setAttribute(name, style.getPropertyValue(name))
    to[index]!.removeAttribute('style')
    to[index]!.removeAttribute('class')
  })
  copy.removeAttribute('style')
  copy.setAttribute('xmlns', 'http://www.w3.org/2000/svg')
  copy.setAttribute('width', String(width))
  copy.setAttribute('height', String(height))
  return new XMLSerializer().serializeToString(copy)
}
