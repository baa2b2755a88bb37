//! Looks into an object file and takes out what the agent does not need.

use object::build::elf::{Builder, SectionData};
use object::{Object, ObjectSection, elf};

/// The section in which an object names its sources.
const SOURCE: &str = "observer.source";

/// The hash of the sources that an object was built from.
pub(super) fn source_hash(bytes: &[u8]) -> Result<String, String> {
    let file = object::File::parse(bytes).map_err(|error| format!("not an object: {error}"))?;
    let section = file
        .section_by_name(SOURCE)
        .ok_or_else(|| "the object does not name its sources".to_owned())?;
    let data = section
        .data()
        .map_err(|error| format!("the object cannot be read: {error}"))?;
    Ok(String::from_utf8_lossy(data).into_owned())
}

/// Takes the debug information out. BTF stays: the kernel and the loader need it.
pub(super) fn strip(bytes: &[u8]) -> Result<Vec<u8>, String> {
    let failed = |error| format!("the object cannot be taken apart: {error}");
    let mut builder = Builder::read(bytes).map_err(failed)?;
    for section in &mut builder.sections {
        let name = section.name.to_vec();
        section.delete = name.starts_with(b".debug") || name.starts_with(b".rel.debug");
    }
    for symbol in &mut builder.symbols {
        // Section symbols of what goes would stay behind.
        symbol.delete = symbol.section.is_some_and(|id| {
            let name = builder.sections.get(id).name.to_vec();
            name.starts_with(b".debug")
        });
    }
    if !builder
        .sections
        .iter()
        .any(|it| matches!(it.data, SectionData::SectionString))
    {
        // LLVM keeps the names of sections and of symbols together; the writer keeps them apart.
        let names = builder.sections.add();
        names.name = b".shstrtab".as_slice().into();
        names.sh_type = elf::SHT_STRTAB;
        names.sh_addralign = 1;
        names.data = SectionData::SectionString;
    }
    let mut stripped = Vec::new();
    builder
        .write(&mut stripped)
        .map_err(|error| format!("the object cannot be written: {error}"))?;
    Ok(stripped)
}
