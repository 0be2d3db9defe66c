//! Adam7: seven passes, each over every so-many-th row and column (PNG specification, third
//! edition, section 8). Pixels go straight to their places in the window, so that no whole image is
//! ever held.

use std::io::Cursor;

use png::Reader;
use zenith_plugin_sdk::{Error, Window};

use crate::{algorithm::damage, samples::Samples};

/// One pass: its first row and column, and the distances between its rows and columns.
struct Pass {
    row: u32,
    column: u32,
    rows: u32,
    columns: u32,
}

const PASSES: [Pass; 7] = [
    Pass { row: 0, column: 0, rows: 8, columns: 8 },
    Pass { row: 0, column: 4, rows: 8, columns: 8 },
    Pass { row: 4, column: 0, rows: 8, columns: 4 },
    Pass { row: 0, column: 2, rows: 4, columns: 4 },
    Pass { row: 2, column: 0, rows: 4, columns: 2 },
    Pass { row: 0, column: 1, rows: 2, columns: 2 },
    Pass { row: 1, column: 0, rows: 2, columns: 1 },
];

/// Decodes a window, which lies in the image, into `place`. What comes after the last row that it
/// needs is not read.
pub(crate) fn decode(
    reader: &mut Reader<Cursor<&[u8]>>,
    samples: &Samples,
    window: Window,
    place: &mut [u8],
) -> Result<(), Error> {
    let (width, height) = reader.info().size();
    let mut missing = u64::from(window.width) * u64::from(window.height);
    for (number, pass) in (1..).zip(PASSES) {
        if pass.column >= width {
            continue;
        }
        // The first column of this pass in the window, and which sample of its rows that is.
        let first = window.x.saturating_sub(pass.column).div_ceil(pass.columns);
        let column = pass.column + first * pass.columns;
        let wanted = (window.x + window.width).saturating_sub(column).div_ceil(pass.columns);
        for at in (pass.row..height).step_by(pass.rows as usize) {
            if missing == 0 {
                return Ok(());
            }
            let row = match reader.next_row() {
                Ok(Some(row)) => row.data(),
                Ok(None) => {
                    return Err(Error::InvalidData(format!("its image data end in pass {number} of 7")));
                }
                Err(error) => return Err(damage(&format!("row {at} of pass {number}"), &error)),
            };
            if wanted == 0 || at < window.y || at - window.y >= window.height {
                continue;
            }
            let line = window.width as usize * 3;
            let line = place.chunks_exact_mut(line).nth((at - window.y) as usize).unwrap_or_default();
            let places = line.as_chunks_mut().0.iter_mut().skip((column - window.x) as usize);
            samples.spread(row, first as usize, places.step_by(pass.columns as usize));
            missing -= u64::from(wanted);
        }
    }
    Ok(())
}
