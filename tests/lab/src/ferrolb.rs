//! FerroLB in the lab, installed as a user installs it: images built from the release
//! binaries and imported into each node, `kubectl create -k config/crd` and
//! `kubectl apply -k deploy`.

use std::path::PathBuf;

use ferrolb_image::product;

use crate::dirs::Dirs;
use crate::error::LabError;
use crate::node::PAUSE_IMAGE;
use crate::options::Options;
use crate::progress::Progress;
use crate::tools::{self, Product, Tools};
use crate::{control_plane, files, node, run};

/// FerroLB's namespace.
pub(crate) const NAMESPACE: &str = "ferrolb-system";
/// Its workloads.
const WORKLOADS: [&str; 2] = ["deployment/ferrolb-controller", "daemonset/ferrolb-speaker"];

/// Builds the images that a lab needs.
pub(crate) fn build_images(bare: bool, progress: &dyn Progress) -> Result<(), LabError> {
    assemble(PAUSE_IMAGE, "pause", Tools::standard().program("pause"))?;
    let products: &[Product] = if bare {
        &[Product::Echo]
    } else {
        &[Product::Controller, Product::Speaker, Product::Echo]
    };
    let programs = tools::build(products, progress)?;
    for (product, program) in products.iter().zip(programs) {
        assemble(&product.reference(), product.name(), program)?;
    }
    Ok(())
}

fn assemble(reference: &str, name: &str, program: PathBuf) -> Result<(), LabError> {
    let archive = Tools::standard().images().join(format!("{name}.tar"));
    let built = ferrolb_image::build(&product::spec(reference, name, program), &archive);
    built.map(drop).map_err(|source| LabError::Image {
        reference: reference.to_owned(),
        source,
    })
}

/// Copies the archives into the lab's directory, from which nodes import them.
pub(crate) fn copy_images(dirs: &Dirs) -> Result<(), LabError> {
    let images = Tools::standard().images();
    for name in files::list(&images)? {
        if name.ends_with(".tar") {
            files::copy(&images.join(&name), &dirs.file("images").join(&name))?;
        }
    }
    Ok(())
}

/// Builds FerroLB's images and imports them into a running cluster.
pub(crate) fn load_images(
    dirs: &Dirs,
    options: &Options,
    progress: &dyn Progress,
) -> Result<(), LabError> {
    build_images(false, progress)?;
    import(dirs, options)
}

/// Installs FerroLB in a cluster whose nodes have the images.
pub(crate) fn install(dirs: &Dirs, progress: &dyn Progress) -> Result<(), LabError> {
    progress.step("kubectl apply -k deploy");
    create_crds(dirs)?;
    apply(dirs)?;
    apply_sample_pool(dirs)?;
    progress.step("waiting for FerroLB to be ready");
    wait(dirs)
}

/// Builds and imports the images, applies the manifests and restarts every pod.
pub(crate) fn reload(
    dirs: &Dirs,
    options: &Options,
    progress: &dyn Progress,
) -> Result<(), LabError> {
    if options.bare {
        return Err(LabError::WithoutFerrolb);
    }
    load_images(dirs, options, progress)?;
    progress.step("rolling out FerroLB");
    apply(dirs)?;
    for workload in WORKLOADS {
        run::output(
            control_plane::kubectl(dirs).args(["-n", NAMESPACE, "rollout", "restart", workload]),
        )?;
    }
    wait(dirs)
}

/// Imports the archives into every running node; the others import them when they are
/// powered on.
fn import(dirs: &Dirs, options: &Options) -> Result<(), LabError> {
    copy_images(dirs)?;
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

/// Creates MetalLB's CRDs unless they exist.
fn create_crds(dirs: &Dirs) -> Result<(), LabError> {
    let crds = tools::checkout().join("config/crd");
    let get = [
        "get",
        "crd",
        "servicel2statuses.metallb.io",
        "--ignore-not-found",
        "-oname",
    ];
    if run::output(control_plane::kubectl(dirs).args(get))?
        .trim()
        .is_empty()
    {
        run::output(
            control_plane::kubectl(dirs)
                .args(["create", "-k"])
                .arg(crds),
        )?;
    }
    Ok(())
}

/// Applies the sample pool unless pools are configured.
fn apply_sample_pool(dirs: &Dirs) -> Result<(), LabError> {
    let pool = tools::checkout().join("config/samples/pool.yaml");
    let get = [
        "-n",
        NAMESPACE,
        "get",
        "configmap",
        "ferrolb",
        "--ignore-not-found",
        "-oname",
    ];
    if run::output(control_plane::kubectl(dirs).args(get))?
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
