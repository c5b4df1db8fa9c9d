//! FerroLB in the lab, installed as a user installs it: images built from the release
//! binaries and imported into each node, `kubectl create -k config/crd` and
//! `kubectl apply -k deploy`.

use std::path::PathBuf;

use crate::dirs::Dirs;
use crate::error::LabError;
use crate::image::{self, ImageSpec};
use crate::node::PAUSE_IMAGE;
use crate::options::Options;
use crate::progress::Progress;
use crate::tools::{self, Product, Tools};
use crate::{control_plane, files, node, run};

/// FerroLB's namespace.
pub(crate) const NAMESPACE: &str = "ferrolb-system";
/// What is rolled out in it.
const WORKLOADS: [&str; 2] = ["deployment/ferrolb-controller", "daemonset/ferrolb-speaker"];

/// Builds the images that a lab needs, or finds them built.
pub(crate) fn build_images(bare: bool, progress: &dyn Progress) -> Result<(), LabError> {
    assemble(PAUSE_IMAGE, "pause", Tools::standard().program("pause"))?;
    let products: &[Product] = if bare {
        &[Product::Echo]
    } else {
        &[Product::Controller, Product::Speaker, Product::Echo]
    };
    let programs = tools::build(products, progress)?;
    for (product, program) in products.iter().zip(programs) {
        assemble(&reference(*product), product.name(), program)?;
    }
    Ok(())
}

/// Builds the images that users install and says where their archives are.
///
/// # Errors
/// When a build fails, or an archive cannot be written.
pub fn release_images(progress: &dyn Progress) -> Result<Vec<PathBuf>, LabError> {
    let products = [Product::Controller, Product::Speaker];
    let programs = tools::build(&products, progress)?;
    let images = products.iter().zip(programs);
    images
        .map(|(product, program)| assemble(&reference(*product), product.name(), program))
        .collect()
}

/// The image of a product, as the manifests name it.
fn reference(product: Product) -> String {
    format!(
        "ferrolb.local/{}:{}",
        product.name(),
        env!("CARGO_PKG_VERSION")
    )
}

fn assemble(reference: &str, name: &str, program: PathBuf) -> Result<PathBuf, LabError> {
    let entrypoint = format!("/{name}");
    let spec = ImageSpec {
        reference: reference.to_owned(),
        entrypoint: entrypoint.clone(),
        files: vec![(program, entrypoint)],
    };
    let archive = Tools::standard().images().join(format!("{name}.tar"));
    image::build(&spec, &archive).map_err(|source| LabError::Image {
        reference: reference.to_owned(),
        source,
    })?;
    Ok(archive)
}

/// Puts the archives where the nodes find them.
pub(crate) fn lay_out_images(dirs: &Dirs) -> Result<(), LabError> {
    let images = Tools::standard().images();
    for name in files::list(&images)? {
        if name.ends_with(".tar") {
            files::copy(&images.join(&name), &dirs.file("images").join(&name))?;
        }
    }
    Ok(())
}

/// Brings FerroLB's images into a cluster that came up without them.
pub(crate) fn supply(
    dirs: &Dirs,
    options: &Options,
    progress: &dyn Progress,
) -> Result<(), LabError> {
    build_images(false, progress)?;
    import(dirs, options)
}

/// Installs FerroLB in a cluster whose nodes have its images.
pub(crate) fn install(dirs: &Dirs, progress: &dyn Progress) -> Result<(), LabError> {
    progress.step("kubectl apply -k deploy");
    supply_kinds(dirs)?;
    apply(dirs)?;
    supply_pool(dirs)?;
    progress.step("waiting for FerroLB");
    wait(dirs)
}

/// Builds, imports, applies, and replaces every pod.
pub(crate) fn reload(
    dirs: &Dirs,
    options: &Options,
    progress: &dyn Progress,
) -> Result<(), LabError> {
    if options.bare {
        return Err(LabError::WithoutFerrolb);
    }
    supply(dirs, options, progress)?;
    progress.step("rolling out");
    apply(dirs)?;
    for workload in WORKLOADS {
        run::output(
            control_plane::kubectl(dirs).args(["-n", NAMESPACE, "rollout", "restart", workload]),
        )?;
    }
    wait(dirs)
}

/// Imports the archives into every node that has power; the others do so when they are
/// switched on.
fn import(dirs: &Dirs, options: &Options) -> Result<(), LabError> {
    lay_out_images(dirs)?;
    let names = files::list(&dirs.file("images"))?;
    for number in (1..=options.nodes).filter(|number| node::is_on(dirs, *number)) {
        for name in &names {
            let archive = dirs.file("images").join(name).display().to_string();
            run::output(&mut node::exec(
                dirs,
                number,
                ["ctr", "-n", "k8s.io", "images", "import", &archive],
            )?)?;
        }
    }
    Ok(())
}

/// Brings MetalLB's kinds, unless they are there.
fn supply_kinds(dirs: &Dirs) -> Result<(), LabError> {
    let kinds = tools::checkout().join("config/crd");
    let look = [
        "get",
        "crd",
        "servicel2statuses.metallb.io",
        "--ignore-not-found",
        "-oname",
    ];
    if run::output(control_plane::kubectl(dirs).args(look))?
        .trim()
        .is_empty()
    {
        run::output(
            control_plane::kubectl(dirs)
                .args(["create", "-k"])
                .arg(kinds),
        )?;
    }
    Ok(())
}

/// Gives the lab the sample's pool, unless it has pools already.
fn supply_pool(dirs: &Dirs) -> Result<(), LabError> {
    let pool = tools::checkout().join("config/samples/pool.yaml");
    let look = [
        "-n",
        NAMESPACE,
        "get",
        "configmap",
        "ferrolb",
        "--ignore-not-found",
        "-oname",
    ];
    if run::output(control_plane::kubectl(dirs).args(look))?
        .trim()
        .is_empty()
    {
        run::output(
            control_plane::kubectl(dirs)
                .arg("apply")
                .arg("-f")
                .arg(pool),
        )?;
    }
    Ok(())
}

fn apply(dirs: &Dirs) -> Result<(), LabError> {
    let manifests = tools::checkout().join("deploy").display().to_string();
    run::output(control_plane::kubectl(dirs).args(["apply", "-k", &manifests]))?;
    Ok(())
}

/// Waits until every pod of FerroLB is ready.
pub(crate) fn wait(dirs: &Dirs) -> Result<(), LabError> {
    WORKLOADS
        .iter()
        .try_for_each(|workload| rolled_out(dirs, workload))
}

/// Waits until a workload is rolled out.
pub(crate) fn rolled_out(dirs: &Dirs, workload: &str) -> Result<(), LabError> {
    let mut command = control_plane::kubectl(dirs);
    command.args([
        "-n",
        NAMESPACE,
        "rollout",
        "status",
        workload,
        "--timeout=180s",
    ]);
    run::output(&mut command)?;
    Ok(())
}
